//! Waiting for the parent's word.
#![allow(unsafe_code, reason = "a word of libc's in the parent's memory")]

use core::sync::atomic::Ordering;
use core::time::Duration;

use ns_sys::child::{exit_group, is_readable};
use ns_sys::{Errno, futex};

use super::handshake::{GO, Handshake, WAIT};
use super::plan::ParentWatch;

/// How long to sleep before looking whether the parent's thread still lives: it may be killed, or
/// replaced by an exec, and then nobody says a word.
const ROUND: Duration = Duration::from_millis(100);

/// The exit code of a child that was not let go. Nobody reads it.
const NOT_LET_GO: i32 = 126;

/// Returns when the parent says go; on any other word, or when its thread is gone, leaves.
pub(super) fn wait(handshake: &Handshake, parent: Option<ParentWatch<'_>>) {
    loop {
        match handshake.go.load(Ordering::Acquire) {
            GO => return,
            WAIT => {}
            _ => exit_group(NOT_LET_GO),
        }
        let woken = futex::wait(&handshake.go, WAIT, Some(ROUND));
        if woken.is_err() && is_gone(parent) != Ok(false) {
            exit_group(NOT_LET_GO);
        }
    }
}

/// Whether the thread that made this child has ended; an error where nothing can tell.
pub(super) fn is_gone(parent: Option<ParentWatch<'_>>) -> Result<bool, Errno> {
    let Some(thread) = parent else { return Ok(true) };
    match thread.pidfd.ok_or(Errno::NOSYS).and_then(is_readable) {
        // Where one of the two cannot be asked, the other one decides.
        Err(errno) if thread.word.is_null() => Err(errno),
        asked => Ok(asked == Ok(true) || has_left(thread)),
    }
}

fn has_left(thread: ParentWatch<'_>) -> bool {
    if thread.word.is_null() {
        return false;
    }
    // No reference: the memory may be gone. Volatile, because it may be at any time, and the kernel writes there.
    // SAFETY: the word lay in this memory when the thread made the child. If libc has given it back
    // since, the thread has ended, and the fault ends a child that was to leave anyway.
    let tid = unsafe { thread.word.cast::<u32>().read_volatile() };
    tid != thread.tid
}
