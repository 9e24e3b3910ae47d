//! Waits until a child of this process has executed its program or begun its closure.

use core::sync::atomic::Ordering;
use core::time::Duration;

use ns_sys::child::{has_terminated, wait4};
use ns_sys::{Errno, WaitFlags, WaitStatus, futex};

use super::handshake::{Handshake, has_left};

/// The interval between checks of the child: the kernel does not update `child_tid` in every exit.
const ROUND: Duration = Duration::from_millis(100);

/// Waits for the child `pid`, which uses `handshake`.
///
/// Returns `None` once the child has executed its program or begun its closure, or the wait status if the child
/// has exited before. In that case it is reaped.
pub(super) fn wait(
    pid: u32,
    handshake: &Handshake,
    is_closure: bool,
) -> Result<Option<WaitStatus>, Errno> {
    loop {
        let child_tid = handshake.child_tid.load(Ordering::Acquire);
        let outcome =
            if is_closure { closure_outcome(pid, handshake) } else { exec_outcome(pid, child_tid) };
        if let Some(outcome) = outcome? {
            return Ok(outcome.early_exit);
        }
        let _ = futex::wait(&handshake.child_tid, child_tid, Some(ROUND));
    }
}

/// How the start of the child ended.
struct Outcome {
    /// The wait status of a child that exited before it executed the program or began the closure.
    early_exit: Option<WaitStatus>,
}

/// A closure sets a flag in the handshake when it begins. After that its exit is reaped elsewhere.
///
/// The flag is read again after the exit check, because the closure may begin and end between the two.
fn closure_outcome(pid: u32, handshake: &Handshake) -> Result<Option<Outcome>, Errno> {
    let has_ended = !handshake.has_entered() && has_terminated(pid)?;
    if handshake.has_entered() {
        return Ok(Some(Outcome { early_exit: None }));
    }
    if !has_ended {
        return Ok(None);
    }
    wait4(pid, WaitFlags::ALL).map(|early_exit| Some(Outcome { early_exit }))
}

/// `__WCLONE` finds only children whose exit signal is not SIGCHLD. exec sets it to SIGCHLD.
fn exec_outcome(pid: u32, child_tid: u32) -> Result<Option<Outcome>, Errno> {
    // A child that has left the memory without exec is exiting, so a blocking wait is short.
    let blocking = if has_left(child_tid) { WaitFlags::empty() } else { WaitFlags::NOHANG };
    match wait4(pid, WaitFlags::CLONE.union(blocking)) {
        // The child has executed a program.
        Err(Errno::CHILD) => Ok(Some(Outcome { early_exit: None })),
        Err(errno) => Err(errno),
        Ok(early_exit) => Ok(early_exit.map(|_| Outcome { early_exit })),
    }
}
