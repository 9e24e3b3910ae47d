//! Process groups and sessions, as seen from the caller's pid namespace.
#![allow(
    unsafe_code,
    reason = "getpgid(2) and getsid(2), because rustix treats a result of 0 as a process ID"
)]

use rustix::process::{Pid, getpid};

/// Returns the process group of `process`, by default that of the caller.
///
/// Returns `None` if the group is outside the caller's pid namespace, as in a container whose first process did not
/// call setsid(2).
pub(super) fn group_of(process: Option<Pid>) -> Option<Pid> {
    // SAFETY: getpgid takes no pointer.
    let group = unsafe { libc::getpgid(Pid::as_raw(process)) };
    Pid::from_raw(group.max(0))
}

/// Returns true if the caller leads a session. It cannot change its process group, and the kernel sends SIGHUP to it
/// alone when the terminal is hung up.
pub(super) fn leads_session() -> bool {
    // SAFETY: getsid takes no pointer.
    let session = unsafe { libc::getsid(0) };
    session == getpid().as_raw_pid()
}
