//! Waits for the release by the parent.
#![allow(unsafe_code, reason = "reads a word of libc in the parent's memory")]

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use ns_sys::child::{exit_group, is_readable};
use ns_sys::fd::BorrowedFd;
use ns_sys::{Errno, futex};

use super::handshake::{GO, Handshake, Report, WAIT};

/// Where the child waits for the caller.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waits {
    /// For the release, before the first step that needs the ID maps.
    pub(crate) for_release: bool,
    /// Between the mounts and the change of root.
    pub(crate) before_pivot: bool,
}

/// The parent's thread that made the child, as the child watches it.
#[derive(Clone, Copy)]
pub(crate) struct ParentWatch<'a> {
    /// Readable once the thread has terminated; `None` if only `word` is available.
    pub(crate) pidfd: Option<BorrowedFd<'a>>,
    pub(crate) tid: u32,
    /// Points to a word that holds `tid` until the thread has terminated; null if there is none.
    pub(crate) word: *const AtomicU32,
}

/// The interval between checks of the parent's thread. If it is killed, or another thread calls execve(2), it never
/// releases the child.
const ROUND: Duration = Duration::from_millis(100);

/// The exit code of a child that was not released. No process reads it.
const NOT_RELEASED: i32 = 126;

#[expect(clippy::unnecessary_wraps, reason = "a step")]
#[inline]
pub(super) fn wait_for_release(
    waits: bool,
    handshake: &Handshake,
    parent: Option<ParentWatch<'_>>,
) -> Result<(), Report> {
    if waits {
        wait(handshake, parent);
    }
    Ok(())
}

/// Waits for the second release, once all mounts are made.
#[expect(clippy::unnecessary_wraps, reason = "a step")]
#[inline]
pub(super) fn wait_before_pivot(
    waits: bool,
    handshake: &Handshake,
    parent: Option<ParentWatch<'_>>,
) -> Result<(), Report> {
    if waits {
        handshake.set_mounted();
        wait_for(&handshake.pivot, parent);
    }
    Ok(())
}

/// Returns once the parent has released the child. Exits if the parent aborts the start or its thread has terminated.
pub(super) fn wait(handshake: &Handshake, parent: Option<ParentWatch<'_>>) {
    wait_for(&handshake.go, parent);
}

fn wait_for(word: &AtomicU32, parent: Option<ParentWatch<'_>>) {
    loop {
        match word.load(Ordering::Acquire) {
            GO => return,
            WAIT => {}
            _ => exit_group(NOT_RELEASED),
        }
        let woken = futex::wait(word, WAIT, Some(ROUND));
        if woken.is_err() && has_terminated(parent) != Ok(false) {
            exit_group(NOT_RELEASED);
        }
    }
}

/// Whether the thread that made this child has terminated; `true` without a thread. Fails if the pidfd cannot be polled
/// and there is no word that the kernel clears.
pub(super) fn has_terminated(parent: Option<ParentWatch<'_>>) -> Result<bool, Errno> {
    let Some(thread) = parent else { return Ok(true) };
    match thread.pidfd.ok_or(Errno::NOSYS).and_then(is_readable) {
        // If the pidfd cannot be polled, the word decides.
        Err(errno) if thread.word.is_null() => Err(errno),
        polled => Ok(polled == Ok(true) || is_tid_cleared(thread)),
    }
}

fn is_tid_cleared(thread: ParentWatch<'_>) -> bool {
    if thread.word.is_null() {
        return false;
    }
    // Not through a reference: libc may unmap the memory at any time. Volatile: the kernel writes the word.
    // SAFETY: the word was mapped when the thread made the child. If libc has unmapped it since, the thread has
    // terminated; the fault then kills a child that would exit anyway.
    let tid = unsafe { thread.word.cast::<u32>().read_volatile() };
    tid != thread.tid
}
