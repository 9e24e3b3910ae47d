//! Whether a process that this one made has executed a program.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use ns_sys::child::wait4;
use ns_sys::{Errno, WaitFlags, WaitStatus, futex};

use super::words::has_left;

/// How long to sleep before looking whether the other process is dead: its word may not tell.
const ROUND: Duration = Duration::from_millis(100);

/// Waits until the child `pid`, whose word that is, has executed a program: `None`; or has ended before,
/// and is reaped.
pub(super) fn wait(pid: u32, word: &AtomicU32) -> Result<Option<WaitStatus>, Errno> {
    loop {
        let seen = word.load(Ordering::Acquire);
        // One that has left by its end is dying, and the wait is short.
        let patience = if has_left(seen) { WaitFlags::empty() } else { WaitFlags::NOHANG };
        match wait4(pid, WaitFlags::CLONE.union(patience)) {
            // Exec gave it its exit signal.
            Err(Errno::CHILD) => return Ok(None),
            Err(errno) => return Err(errno),
            Ok(Some(status)) => return Ok(Some(status)),
            Ok(None) => {}
        }
        let _ = futex::wait(word, seen, Some(ROUND));
    }
}
