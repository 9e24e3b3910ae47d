//! Closing all descriptors that the plan does not name, at once or at exec.
#![allow(unsafe_code, reason = "descriptors by number, which have no owner in the child")]

use core::ffi::CStr;
use core::fmt;

use ns_sys::Errno;
use ns_sys::child::{self, CloseRangeFlags, Mode, OFlags};
use ns_sys::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use super::dirent::entries;
use super::handle::{CWD, Handle};
use crate::{Step, StepError};

/// A range of descriptor numbers, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FdRange {
    /// The lowest number.
    pub first: u32,
    /// The highest number; `u32::MAX` for no upper limit.
    pub last: u32,
}

/// What happens to the descriptors.
#[derive(Clone, Copy)]
enum Action {
    Close,
    /// Sets the close-on-exec flag.
    CloseOnExec,
}

/// `PROC_SUPER_MAGIC` of include/uapi/linux/magic.h.
pub(super) const PROC_SUPER_MAGIC: u64 = 0x9fa0;

/// `close_range(first, last, 0)` … — closes every descriptor in the ranges, also above a lowered
/// `RLIMIT_NOFILE`.
///
/// # Errors
/// [`Step::CloseRest`]:
/// - `ENOSYS`: the kernel has no close_range(2), and there is no real `/proc` to list descriptors.
///   A loop up to `RLIMIT_NOFILE` is no fallback: it would miss descriptors above the limit.
/// - `EINVAL`: a range ends before it begins.
/// - `EMFILE`, `ENFILE`: without close_range(2), `/proc/self/fd` cannot be opened.
///
/// # Safety
/// The caller does not share its descriptor table, as after fork(2) or clone(2) without `CLONE_FILES`,
/// and no owned descriptor in the ranges is used afterwards. In `pre_exec` of std's `Command` this does not
/// hold, because std uses a pipe there: call [`close_rest_on_exec`].
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.9; before, any with `/proc`. Its list of descriptors is trusted: a process that can mount in
/// the caller's root could put another process's list there.
///
/// # References
/// close_range(2), proc_pid_fd(5); fs/file.c.
pub unsafe fn close_rest(ranges: &[FdRange]) -> Result<(), StepError> {
    // SAFETY: this function has the same contract.
    unsafe { run(ranges, Action::Close) }.map_err(Step::CloseRest.failed())
}

/// `close_range(first, last, CLOSE_RANGE_CLOEXEC)` … — lets exec close every descriptor in the ranges,
/// also above a lowered `RLIMIT_NOFILE`.
///
/// For `pre_exec` of std's `Command`, where [`close_rest`] would close the pipe through which std reports
/// a failed exec. If exec fails, all descriptors are still open.
///
/// # Errors
/// Those of [`close_rest`].
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.11; before, any with `/proc`, as for [`close_rest`].
///
/// # Examples
/// ```
/// use std::fs::File;
/// use std::os::fd::AsRawFd;
/// use std::os::unix::process::CommandExt;
/// use std::process::Command;
///
/// use ns_fs::{Descriptors, FdPlan, Stdio, apply};
///
/// let mut descriptors = Descriptors::new();
/// descriptors.place(5, File::open("/dev/null")?);
/// let plan = FdPlan::new(&descriptors)?;
/// let mut command = Command::new("/no/such/program");
/// // SAFETY: the closure only makes bare system calls, in a forked child that then calls exec.
/// unsafe {
///     command.pre_exec(move || {
///         apply::place_fds(plan.steps())?;
///         Ok(apply::close_rest_on_exec(plan.ranges())?)
///     });
/// }
/// assert_eq!(command.spawn().unwrap_err().kind(), std::io::ErrorKind::NotFound);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// close_range(2), proc_pid_fd(5); fs/file.c.
pub fn close_rest_on_exec(ranges: &[FdRange]) -> Result<(), StepError> {
    // SAFETY: this action closes no descriptor.
    unsafe { run(ranges, Action::CloseOnExec) }.map_err(Step::CloseRest.failed())
}

/// # Safety
/// As [`close_rest`], if the action closes descriptors.
unsafe fn run(ranges: &[FdRange], action: Action) -> ns_sys::Result<()> {
    for range in ranges {
        // SAFETY: this function has the same contract.
        match unsafe { child::close_range(range.first, range.last, action.flags()) } {
            Ok(()) => {}
            // EINVAL: Linux 5.9 and 5.10 lack the flag, or the range is invalid.
            // SAFETY: as above.
            Err(Errno::NOSYS | Errno::INVAL) => return unsafe { run_listed(ranges, action) },
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Applies the action to what `/proc/self/fd` lists. The list is in ascending order, so that descriptors
/// can be closed while it is read.
///
/// # Safety
/// As [`run`].
unsafe fn run_listed(ranges: &[FdRange], action: Action) -> ns_sys::Result<()> {
    // As close_range(2) does.
    if ranges.iter().any(|range| range.first > range.last) {
        return Err(Errno::INVAL);
    }
    let flags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
    let list = child::openat(CWD, c"/proc/self/fd", flags, Mode::empty());
    let list = list.map(Handle::new).map_err(|errno| match errno {
        Errno::MFILE | Errno::NFILE => errno,
        _ => Errno::NOSYS,
    })?;
    // A directory that only looks like /proc may hide descriptors.
    if child::fstatfs(list.as_fd())?.magic != PROC_SUPER_MAGIC {
        return Err(Errno::NOSYS);
    }
    // SAFETY: this function has the same contract.
    unsafe { run_entries(&list, ranges, action) }
}

/// # Safety
/// As [`run`].
unsafe fn run_entries(list: &Handle, ranges: &[FdRange], action: Action) -> ns_sys::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let read = child::getdents64(list.as_fd(), &mut buffer)?;
        let Some(read @ [_, ..]) = buffer.get(..read) else { return Ok(()) };
        for fd in entries(read).filter_map(|(_, name)| number(name)) {
            if fd != list.as_raw_fd() && ranges.iter().any(|range| range.contains(fd)) {
                // SAFETY: it is in the ranges, of which no owner uses a closed descriptor, as the caller promises.
                let _ = unsafe { action.run(fd) };
            }
        }
    }
}

impl Action {
    const fn flags(self) -> CloseRangeFlags {
        match self {
            Self::Close => CloseRangeFlags::empty(),
            Self::CloseOnExec => CloseRangeFlags::CLOEXEC,
        }
    }

    /// # Safety
    /// As [`run`]; `fd` is not negative.
    unsafe fn run(self, fd: RawFd) -> ns_sys::Result<()> {
        match self {
            // SAFETY: the caller promises that no owner uses the descriptor.
            Self::Close => unsafe { child::close(fd) },
            Self::CloseOnExec => {
                // SAFETY: the caller promises that it is not -1; the borrow ends with the call.
                let fd = unsafe { BorrowedFd::borrow_raw(fd) };
                child::fcntl_setfd(fd, true)
            }
        }
    }
}

/// Parses the name of an entry; `None` for `.` and `..`.
fn number(name: &CStr) -> Option<RawFd> {
    name.to_str().ok()?.parse().ok()
}

impl FdRange {
    fn contains(self, fd: RawFd) -> bool {
        u32::try_from(fd).is_ok_and(|fd| (self.first..=self.last).contains(&fd))
    }
}

/// Prints the system call that closes the range.
impl fmt::Display for FdRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last } = self;
        match *last {
            u32::MAX => write!(f, "close_range({first}, UINT_MAX, 0)"),
            last => write!(f, "close_range({first}, {last}, 0)"),
        }
    }
}
