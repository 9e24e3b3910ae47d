//! Process groups, as the caller can name them.
#![allow(unsafe_code, reason = "getpgid(2), whose 0 rustix takes for a process id")]

use rustix::process::Pid;

/// The group of a process, by default the caller's own; `None` where it lies outside the caller's
/// pid namespace, as in a container whose first process began no session.
pub(super) fn group_of(process: Option<Pid>) -> Option<Pid> {
    // SAFETY: asks the kernel.
    let group = unsafe { libc::getpgid(Pid::as_raw(process)) };
    Pid::from_raw(group.max(0))
}
