//! Whether a process that this one made has executed a program, or begun its closure.

use core::sync::atomic::Ordering;
use core::time::Duration;

use ns_sys::child::wait4;
use ns_sys::{Errno, WaitFlags, WaitStatus, futex};

use super::words::{Words, has_left};

/// How long to sleep before looking whether the other process is dead: its word may not tell.
const ROUND: Duration = Duration::from_millis(100);

/// Waits until the child `pid`, whose words these are, has executed a program or begun a closure: `None`;
/// or has ended before, and is reaped.
pub(super) fn wait(pid: u32, words: &Words, is_closure: bool) -> Result<Option<WaitStatus>, Errno> {
    // A closure has its exit signal from the beginning, and its own word to tell.
    let kind = if is_closure { WaitFlags::ALL } else { WaitFlags::CLONE };
    loop {
        let seen = words.child_tid.load(Ordering::Acquire);
        if words.has_entered() {
            return Ok(None);
        }
        // One that has left by its end is dying, and the wait is short.
        let patience = if has_left(seen) { WaitFlags::empty() } else { WaitFlags::NOHANG };
        match wait4(pid, kind.union(patience)) {
            // Exec gave it its exit signal.
            Err(Errno::CHILD) => return Ok(None),
            Err(errno) => return Err(errno),
            Ok(Some(status)) => return Ok(Some(status)),
            Ok(None) => {}
        }
        let _ = futex::wait(&words.child_tid, seen, Some(ROUND));
    }
}
