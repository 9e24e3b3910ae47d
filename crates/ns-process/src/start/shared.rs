//! What caller, middle and child all write and see.
#![allow(unsafe_code, reason = "mapping memory")]

use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicI32, AtomicU32};

use ns_sys::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use super::text::Text;
use crate::in_child::Handshake;

/// No status word.
pub(super) const EXECUTED: i32 = -1;

/// The words of both processes, and where the kernel tells of the child that a middle one makes.
#[derive(Debug)]
pub(super) struct SharedState {
    pub(super) child: Handshake,
    pub(super) intermediate: Handshake,
    pub(super) pid: AtomicU32,
    pub(super) pidfd: AtomicI32,
    /// What a hook of the child's said.
    pub(super) message: Text,
    /// Of the process that becomes the program, where pid 1 does not.
    pub(super) program: Handshake,
    /// Its id, as pid 1 sees it.
    pub(super) program_pid: AtomicU32,
    /// Its status word, if it ended before it executed; [`EXECUTED`] if not.
    pub(super) program_ended: AtomicI32,
}

impl SharedState {
    pub(super) fn new(waits_for_release: bool) -> Self {
        Self {
            child: Handshake::new(waits_for_release),
            intermediate: Handshake::new(waits_for_release),
            pid: AtomicU32::new(0),
            pidfd: AtomicI32::new(-1),
            message: Text::new(),
            program: Handshake::new(false),
            program_pid: AtomicU32::new(0),
            program_ended: AtomicI32::new(EXECUTED),
        }
    }
}

/// A board in this memory, or where it stays shared when memory is copied.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the larger one is the usual, on the stack")]
pub(super) enum StateMemory {
    Own(SharedState),
    Shared(SharedPage),
}

impl StateMemory {
    pub(super) fn new(waits_for_release: bool, is_copied: bool) -> Result<Self, Errno> {
        let shared = SharedState::new(waits_for_release);
        Ok(if is_copied { Self::Shared(SharedPage::new(shared)?) } else { Self::Own(shared) })
    }
}

impl Deref for StateMemory {
    type Target = SharedState;

    fn deref(&self) -> &SharedState {
        match self {
            Self::Own(shared) => shared,
            Self::Shared(page) => page,
        }
    }
}

/// A board that stays shared when memory is copied; unmapped when it is dropped.
#[derive(Debug)]
pub(super) struct SharedPage(NonNull<SharedState>);

impl SharedPage {
    pub(super) fn new(shared: SharedState) -> Result<Self, Errno> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, at a place that the kernel chooses.
        let page = unsafe {
            mmap_anonymous(ptr::null_mut(), size_of::<SharedState>(), protection, MapFlags::SHARED)
        }?;
        let place = NonNull::new(page.cast::<SharedState>()).ok_or(Errno::NOMEM)?;
        // SAFETY: a mapping begins at a page, is large enough, and nobody has it yet.
        unsafe { place.write(shared) };
        Ok(Self(place))
    }
}

impl Deref for SharedPage {
    type Target = SharedState;

    fn deref(&self) -> &SharedState {
        // SAFETY: `new` wrote it, and everything in it that others write is atomic.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for SharedPage {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`. Children have mappings of their own.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), size_of::<SharedState>()) };
    }
}
