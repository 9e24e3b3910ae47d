//! Opening and killing processes of which only the process ID is known, or cannot be avoided.

use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use ns_sys::child::{has_terminated, wait4};
use ns_sys::{Errno, Signal, WaitFlags, pidfd_open, pidfd_send_signal, waitid_pidfd};
use rustix::process::{Pid, kill_process};

use crate::in_child::{Handshake, has_left};
use crate::process::{KILLED, LONG_ENOUGH, is_readable_within};

/// The sleep between two checks whether a process without a pidfd has exited.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Opens a pidfd of a process that waits to be released. Returns `None` if it no longer exists.
///
/// The process waits, or is dead. If it has not announced its exit after the pidfd was opened, the
/// process ID was its own until then, even if another thread reaps children or `SIGCHLD` is
/// ignored. If it was killed before it could announce its exit, and was a child of the caller,
/// waitid(2) reports that it is no child any more.
pub(super) fn open_pidfd(
    pid: u32,
    handshake: &Handshake,
    is_own: bool,
) -> Result<Option<OwnedFd>, Errno> {
    if pid == 0 {
        return Ok(None);
    }
    let pidfd = match pidfd_open(pid) {
        // The process was killed, and another waiter reaped it.
        Err(Errno::SRCH) => return Ok(None),
        pidfd => pidfd.inspect_err(|_| abort_by_pid(pid, handshake, is_own))?,
    };
    let flags = WaitFlags::ALL | WaitFlags::NOHANG | WaitFlags::NOWAIT;
    let is_reused = is_own && waitid_pidfd(&pidfd, flags) == Err(Errno::CHILD);
    if is_reused {
        return Ok(None);
    }
    if !has_left(handshake.child_tid.load(Ordering::Acquire)) {
        return Ok(Some(pidfd));
    }
    // The process was killed while it waited. If another waiter reaped it, the process ID may have
    // been reused: only a dead child is reaped here, and no other process is touched.
    if is_readable_within(&pidfd, LONG_ENOUGH) {
        let _ = waitid_pidfd(&pidfd, WaitFlags::ALL | WaitFlags::NOHANG);
    }
    Ok(None)
}

/// Aborts a process whose pidfd cannot be opened.
///
/// The process exits when it sees the abort signal. A child of the caller is also killed, unless
/// another waiter has reaped it: then the process ID may have been reused.
fn abort_by_pid(pid: u32, handshake: &Handshake, is_own: bool) {
    handshake.abort();
    let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    if !is_own || has_terminated(pid).is_err() {
        return;
    }
    kill_pid(raw);
    let deadline = Instant::now() + KILLED;
    // A process that its tracer keeps for longer stays a zombie, until the program waits for any
    // child, or until the program has exited and process 1 reaps it.
    while wait4(pid, WaitFlags::ALL | WaitFlags::NOHANG) == Ok(None) && Instant::now() < deadline {
        thread::sleep(POLL_INTERVAL);
    }
}

/// Kills a process, by process ID if a seccomp filter forbids pidfd_send_signal(2).
pub(super) fn kill(pid: u32, pidfd: &OwnedFd) {
    let sent = pidfd_send_signal(pidfd, Signal::KILL);
    if sent.is_err_and(|errno| errno != Errno::SRCH) {
        // The process has not been reaped, so its process ID has not been reused.
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            kill_pid(pid);
        }
    }
}

fn kill_pid(pid: Pid) {
    let _ = kill_process(pid, rustix::process::Signal::KILL);
}
