//! The resources that a child has used, returned when it is reaped.
#![allow(unsafe_code, reason = "waitid(2) fills two structs; libc's wrapper lacks the second")]

use core::mem::size_of;
use core::time::Duration;

use linux_raw_sys::general::{__NR_waitid, P_PIDFD, WEXITED, rusage};
use rustix::fd::{AsFd, AsRawFd};

use super::{WaitFlags, WaitStatus};
use crate::Result;
use crate::arch::syscall;

/// The resources that a process has used: `struct rusage` of getrusage(2).
///
/// It covers the process with all its threads, and the descendants that were waited for: those that the
/// process reaped, and in turn those that they reaped.
///
/// # References
/// getrusage(2); kernel/sys.c `RUSAGE_BOTH`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Usage {
    /// The CPU time in user mode.
    pub user: Duration,
    /// The CPU time in kernel mode.
    pub system: Duration,
    /// The largest resident set of one of the processes, in bytes.
    ///
    /// At exec, the kernel includes the memory that the process had before. If that was its parent's, as
    /// with vfork(2), this is at least the resident set of the parent.
    pub max_rss: u64,
    /// The page faults without I/O.
    pub minor_faults: u64,
    /// The page faults that read from a device.
    pub major_faults: u64,
    /// How often it gave up the CPU to wait.
    pub voluntary_switches: u64,
    /// How often the scheduler took the CPU away.
    pub involuntary_switches: u64,
    /// The blocks of 512 bytes read from devices.
    pub blocks_in: u64,
    /// The blocks of 512 bytes written to devices.
    pub blocks_out: u64,
}

/// `struct rusage` of include/uapi/linux/resource.h.
#[repr(C)]
#[derive(Default)]
struct Raw {
    user: [i64; 2],
    system: [i64; 2],
    max_rss: i64,
    unused_memory: [i64; 3],
    minor_faults: i64,
    major_faults: i64,
    swaps: i64,
    blocks_in: i64,
    blocks_out: i64,
    unused_messages: [i64; 3],
    voluntary_switches: i64,
    involuntary_switches: i64,
}

const _: () = assert!(size_of::<Raw>() == size_of::<rusage>());

/// The words of `siginfo_t` of include/uapi/asm-generic/siginfo.h.
type Info = [i32; 32];

/// `si_code` of include/uapi/asm-generic/siginfo.h: the child exited, or was killed and dumped core.
const CLD_EXITED: i32 = 1;
const CLD_DUMPED: i32 = 3;

/// `waitid(P_PIDFD, pidfd, info, WEXITED | flags, rusage)` — as
/// [`waitid_pidfd`](crate::waitid_pidfd), and return the resources that the child has used.
///
/// With `NOHANG`, returns `None` while the child runs. Retries the call if a signal handler interrupts
/// it. Blocks unless `flags` contain `NOHANG`.
///
/// # Errors
/// As [`waitid_pidfd`](crate::waitid_pidfd). If another waiter reaps the child, the usage is lost: the kernel
/// returns it only to the waiter that reaps the child.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.4.
///
/// # Examples
/// ```
/// use ns_sys::WaitFlags;
///
/// let child = std::process::Command::new("true").spawn()?;
/// let pidfd = ns_sys::pidfd_open(child.id())?;
/// let reaped = ns_sys::waitid_pidfd_usage(&pidfd, WaitFlags::empty())?;
/// let (status, usage) = reaped.expect("it has exited");
/// assert_eq!(status.code(), Some(0));
/// assert!(usage.max_rss > 0);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// waitid(2) "C library/kernel differences", getrusage(2); kernel/exit.c.
pub fn waitid_pidfd_usage(
    pidfd: impl AsFd,
    flags: WaitFlags,
) -> Result<Option<(WaitStatus, Usage)>> {
    let fd = pidfd.as_fd().as_raw_fd();
    rustix::io::retry_on_intr(|| wait(fd as usize, (WEXITED | flags.bits()) as usize))
}

fn wait(pidfd: usize, options: usize) -> Result<Option<(WaitStatus, Usage)>> {
    let mut info: Info = [0; 32];
    let mut raw = Raw::default();
    let to_info = (&raw mut info).expose_provenance();
    let to_usage = (&raw mut raw).expose_provenance();
    let arguments = [P_PIDFD as usize, pidfd, to_info, options, to_usage];
    // SAFETY: the kernel writes one siginfo_t and one rusage, which outlive the call.
    unsafe { syscall(__NR_waitid, arguments) }?;
    Ok(status(&info).map(|status| (status, raw.to_usage())))
}

/// The status word. The signal number is 0 if no child has terminated.
fn status(info: &Info) -> Option<WaitStatus> {
    let [signal, _errno, code, _padding, _pid, _uid, status, ..] = *info;
    let word = match code {
        CLD_EXITED => (status & 0xff) << 8,
        CLD_DUMPED => status | 0x80,
        _ => status,
    };
    (signal != 0).then_some(WaitStatus::from_raw(word))
}

impl Raw {
    fn to_usage(&self) -> Usage {
        Usage {
            user: duration(self.user),
            system: duration(self.system),
            max_rss: self.max_rss as u64 * 1024,
            minor_faults: self.minor_faults as u64,
            major_faults: self.major_faults as u64,
            voluntary_switches: self.voluntary_switches as u64,
            involuntary_switches: self.involuntary_switches as u64,
            blocks_in: self.blocks_in as u64,
            blocks_out: self.blocks_out as u64,
        }
    }
}

/// A `struct timeval`.
fn duration([seconds, micros]: [i64; 2]) -> Duration {
    Duration::new(seconds as u64, micros as u32 * 1000)
}
