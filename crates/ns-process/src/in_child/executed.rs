//! Whether a process that this one made has executed a program, or begun its closure.

use core::sync::atomic::Ordering;
use core::time::Duration;

use ns_sys::child::{has_ended, wait4};
use ns_sys::{Errno, WaitFlags, WaitStatus, futex};

use super::handshake::{Handshake, has_left};

/// How long to sleep before looking whether the other process is dead: its word may not tell.
const ROUND: Duration = Duration::from_millis(100);

/// Waits until the child `pid`, whose words these are, has executed a program or begun a closure: `None`;
/// or has ended before, and is reaped.
pub(super) fn wait(
    pid: u32,
    handshake: &Handshake,
    is_closure: bool,
) -> Result<Option<WaitStatus>, Errno> {
    loop {
        let seen = handshake.child_tid.load(Ordering::Acquire);
        let told = if is_closure { begun(pid, handshake) } else { executed(pid, seen) };
        if let Some(told) = told? {
            return Ok(told.ended);
        }
        let _ = futex::wait(&handshake.child_tid, seen, Some(ROUND));
    }
}

/// What is known of the child.
struct Told {
    /// How it ended, if it did before its time.
    ended: Option<WaitStatus>,
}

/// A closure has its own word to tell. It may have begun and ended already, and is another's to reap then.
fn begun(pid: u32, handshake: &Handshake) -> Result<Option<Told>, Errno> {
    let has_ended = !handshake.has_entered() && has_ended(pid)?;
    if handshake.has_entered() {
        return Ok(Some(Told { ended: None }));
    }
    if !has_ended {
        return Ok(None);
    }
    wait4(pid, WaitFlags::ALL).map(|ended| Some(Told { ended }))
}

fn executed(pid: u32, seen: u32) -> Result<Option<Told>, Errno> {
    // One that has left by its end is dying, and the wait is short.
    let patience = if has_left(seen) { WaitFlags::empty() } else { WaitFlags::NOHANG };
    match wait4(pid, WaitFlags::CLONE.union(patience)) {
        // Exec gave it its exit signal.
        Err(Errno::CHILD) => Ok(Some(Told { ended: None })),
        Err(errno) => Err(errno),
        Ok(ended) => Ok(ended.map(|_| Told { ended })),
    }
}
