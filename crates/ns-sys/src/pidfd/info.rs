//! Information on a process, also after it has been reaped.
#![allow(unsafe_code, reason = "an ioctl that fills a struct")]

use core::mem::size_of;

use linux_raw_sys::general::__NR_ioctl;
use rustix::fd::{AsFd, AsRawFd};

use super::{PIDFS_IOCTL_MAGIC, WaitStatus};
use crate::Result;
use crate::arch::syscall;

const PIDFD_INFO_PID: u64 = 1;
const PIDFD_INFO_CREDS: u64 = 1 << 1;
const PIDFD_INFO_CGROUPID: u64 = 1 << 2;
const PIDFD_INFO_EXIT: u64 = 1 << 3;

/// `struct pidfd_info` of include/uapi/linux/pidfd.h, in its first version.
#[repr(C)]
#[derive(Default)]
struct Raw {
    mask: u64,
    cgroupid: u64,
    pid: u32,
    tgid: u32,
    ppid: u32,
    ruid: u32,
    rgid: u32,
    euid: u32,
    egid: u32,
    suid: u32,
    sgid: u32,
    fsuid: u32,
    fsgid: u32,
    exit_code: i32,
}

// PIDFD_INFO_SIZE_VER0.
const _: () = assert!(size_of::<Raw>() == 64);

/// `_IOWR(PIDFS_IOCTL_MAGIC, 11, struct pidfd_info)`.
const PIDFD_GET_INFO: u32 = 3 << 30 | (size_of::<Raw>() as u32) << 16 | PIDFS_IOCTL_MAGIC | 0xb;

/// The result of [`pidfd_get_info`]. A field is `None` if the kernel does not report it.
///
/// After the process was reaped, only the exit status and the cgroup are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PidfdInfo {
    /// The process ID.
    pub pid: Option<u32>,
    /// The process ID of the parent; also `None` if the parent is outside the caller's pid namespace.
    pub ppid: Option<u32>,
    /// The effective user ID; without a mapping in the caller's user namespace, the overflow ID.
    pub euid: Option<u32>,
    /// The effective group ID; without a mapping in the caller's user namespace, the overflow ID.
    pub egid: Option<u32>,
    /// The ID of its cgroup in the version 2 hierarchy; `None` if the kernel has no cgroups.
    pub cgroup_id: Option<u64>,
    /// The exit status; `None` until the process is reaped, by any process, and before Linux 6.15.
    pub exit_status: Option<WaitStatus>,
}

/// `ioctl(pidfd, PIDFD_GET_INFO)` — get information on a process, whether or not it is a child.
///
/// Only this call returns an exit status that another waiter has reaped, or that the kernel discarded
/// because `SIGCHLD` is ignored.
///
/// # Errors
/// - `ESRCH`: the process was reaped; only before Linux 6.15.
/// - `ENOTTY`, `EINVAL`: before Linux 6.13.
/// - `EREMOTE`: the process is outside the caller's pid namespace; since Linux 6.17.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 6.13; the exit status 6.15.
///
/// # Examples
/// ```
/// let own = ns_sys::pidfd_open(std::process::id())?;
/// if let Ok(info) = ns_sys::pidfd_get_info(&own) {
///     assert_eq!(info.pid, Some(std::process::id()));
///     assert_eq!(info.exit_status, None);
/// }
/// # Ok::<(), ns_sys::Errno>(())
/// ```
///
/// # References
/// include/uapi/linux/pidfd.h; fs/pidfs.c `pidfd_info`.
pub fn pidfd_get_info(pidfd: impl AsFd) -> Result<PidfdInfo> {
    let mask = PIDFD_INFO_PID | PIDFD_INFO_CREDS | PIDFD_INFO_CGROUPID | PIDFD_INFO_EXIT;
    let mut raw = Raw { mask, ..Raw::default() };
    let argument = (&raw mut raw).expose_provenance();
    let fd = pidfd.as_fd().as_raw_fd();
    // SAFETY: the kernel writes at most 64 bytes, the size that the operation number contains.
    unsafe { syscall(__NR_ioctl, [fd as usize, PIDFD_GET_INFO as usize, argument]) }?;
    Ok(raw.to_info())
}

impl Raw {
    fn to_info(&self) -> PidfdInfo {
        let has = |bit| self.mask & bit != 0;
        PidfdInfo {
            pid: has(PIDFD_INFO_PID).then_some(self.tgid),
            // The kernel reports a parent that the caller cannot see as 0.
            ppid: has(PIDFD_INFO_PID).then_some(self.ppid).filter(|ppid| *ppid != 0),
            euid: has(PIDFD_INFO_CREDS).then_some(self.euid),
            egid: has(PIDFD_INFO_CREDS).then_some(self.egid),
            cgroup_id: has(PIDFD_INFO_CGROUPID).then_some(self.cgroupid),
            exit_status: has(PIDFD_INFO_EXIT).then(|| WaitStatus::from_raw(self.exit_code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel clears the bit of each field that it does not report. An older kernel does not know
    /// the later bits.
    #[test]
    fn f04_a_field_without_its_bit_is_none() {
        let all = Raw { ppid: 1, exit_code: 7 << 8, ..Raw::default() };
        for mask in 0..=0b1111 {
            let info = Raw { mask, ..all }.to_info();
            let has = [info.pid.is_some(), info.euid.is_some(), info.cgroup_id.is_some()];
            assert_eq!(has, [1, 2, 4].map(|bit| mask & bit != 0), "{mask:#b}");
            assert_eq!((info.ppid.is_some(), info.egid.is_some()), (has[0], has[1]), "{mask:#b}");
            assert_eq!(info.exit_status.is_some(), mask & 8 != 0, "{mask:#b}");
        }
    }

    #[test]
    fn f04_an_invisible_parent_is_none() {
        let raw = Raw { mask: PIDFD_INFO_PID, tgid: 1, ..Raw::default() };
        assert_eq!((raw.to_info().pid, raw.to_info().ppid), (Some(1), None));
    }
}
