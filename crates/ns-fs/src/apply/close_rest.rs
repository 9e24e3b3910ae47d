//! Nothing open but what was asked for.
#![allow(unsafe_code, reason = "descriptors by number, which a child has no owners for")]

use core::fmt;

use ns_sys::Errno;
use ns_sys::child::{self, CloseRangeFlags, Mode, OFlags};
use ns_sys::fd::{AsFd, AsRawFd, RawFd};

use super::entries::entries;
use super::handle::Handle;
use super::here;
use crate::{Step, StepError};

/// Descriptors from one number to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FdRange {
    /// The lowest.
    pub first: u32,
    /// The highest, `u32::MAX` for all there are.
    pub last: u32,
}

/// `PROC_SUPER_MAGIC` of include/uapi/linux/magic.h.
const PROC_SUPER_MAGIC: u64 = 0x9fa0;

/// `close_range(first, last, 0)` … — closes every descriptor in the ranges, also those above a lowered
/// `RLIMIT_NOFILE`.
///
/// # Errors
/// - `ENOSYS`: the kernel has no close_range(2), and there is no real `/proc` to list descriptors by.
///   A loop up to the limit would leave open what lies above it, so none is made.
/// - `EINVAL`: a range ends before it begins.
/// - `EMFILE`, `ENFILE`: without close_range(2), the list itself cannot be opened.
///
/// # Safety
/// The caller is alone in its descriptor table, as after fork(2) or clone(2) without `CLONE_FILES`,
/// and nobody uses an owned descriptor of the ranges afterwards.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.9; before, any with `/proc`, whose list of descriptors is believed: whoever can mount in
/// the root that the caller is in could show another process's there.
///
/// # References
/// close_range(2), proc_pid_fd(5); fs/file.c.
pub unsafe fn close_rest(ranges: &[FdRange]) -> Result<(), StepError> {
    let failed = |errno| StepError { step: Step::CloseRest, errno };
    for range in ranges {
        // SAFETY: the caller vouches for the ranges.
        match unsafe { child::close_range(range.first, range.last, CloseRangeFlags::empty()) } {
            Ok(()) => {}
            // SAFETY: as above.
            Err(Errno::NOSYS) => return unsafe { close_listed(ranges) }.map_err(failed),
            Err(errno) => return Err(failed(errno)),
        }
    }
    Ok(())
}

/// Goes through `/proc/self/fd`, which lists in the order of numbers and does not mind what is
/// closed meanwhile.
///
/// # Safety
/// As [`close_rest`].
unsafe fn close_listed(ranges: &[FdRange]) -> ns_sys::Result<()> {
    // As close_range(2) says.
    if ranges.iter().any(|range| range.first > range.last) {
        return Err(Errno::INVAL);
    }
    let flags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
    let list = child::openat(here(), c"/proc/self/fd", flags, Mode::empty());
    let list = list.map(Handle::new).map_err(|errno| match errno {
        Errno::MFILE | Errno::NFILE => errno,
        _ => Errno::NOSYS,
    })?;
    // What only looks like /proc may hide descriptors.
    if child::fstatfs(list.as_fd())?.magic != PROC_SUPER_MAGIC {
        return Err(Errno::NOSYS);
    }
    // SAFETY: the caller's own contract.
    unsafe { close_entries(&list, ranges) }
}

/// # Safety
/// As [`close_rest`].
unsafe fn close_entries(list: &Handle, ranges: &[FdRange]) -> ns_sys::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let read = child::getdents64(list.as_fd(), &mut buffer)?;
        let Some(part @ [_, ..]) = buffer.get(..read) else { return Ok(()) };
        for fd in entries(part).filter_map(number) {
            if fd != list.as_raw_fd() && ranges.iter().any(|range| range.contains(fd)) {
                // SAFETY: in the ranges that the caller vouches for.
                let _ = unsafe { child::close(fd) };
            }
        }
    }
}

/// The number that an entry is called by; `.` and `..` are none.
fn number(name: &[u8]) -> Option<RawFd> {
    core::str::from_utf8(name).ok()?.parse().ok()
}

impl FdRange {
    fn contains(self, fd: RawFd) -> bool {
        u32::try_from(fd).is_ok_and(|fd| (self.first..=self.last).contains(&fd))
    }
}

/// The system call that closes it.
impl fmt::Display for FdRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "close_range({}, {}, 0)", self.first, self.last)
    }
}
