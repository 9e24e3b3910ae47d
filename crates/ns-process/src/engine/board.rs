//! What caller, middle and child all write and see.
#![allow(unsafe_code, reason = "mapping memory")]

use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicI32, AtomicU32};

use ns_sys::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use super::text::Text;
use crate::in_child::Words;

/// No status word.
pub(super) const EXECUTED: i32 = -1;

/// The words of both processes, and where the kernel tells of the child that a middle one makes.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) child: Words,
    pub(super) middle: Words,
    pub(super) pid: AtomicU32,
    pub(super) pidfd: AtomicI32,
    /// What a hook of the child's said.
    pub(super) said: Text,
    /// Of the process that becomes the program, where pid 1 does not.
    pub(super) program: Words,
    /// Its id, as pid 1 sees it.
    pub(super) program_pid: AtomicU32,
    /// Its status word, if it ended before it executed; [`EXECUTED`] if not.
    pub(super) program_ended: AtomicI32,
}

impl Board {
    pub(super) fn new(waits: bool) -> Self {
        Self {
            child: Words::new(waits),
            middle: Words::new(waits),
            pid: AtomicU32::new(0),
            pidfd: AtomicI32::new(-1),
            said: Text::new(),
            program: Words::new(false),
            program_pid: AtomicU32::new(0),
            program_ended: AtomicI32::new(EXECUTED),
        }
    }
}

/// A board in this memory, or where it stays shared when memory is copied.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the larger one is the usual, on the stack")]
pub(super) enum Place {
    Own(Board),
    Shared(SharedBoard),
}

impl Place {
    pub(super) fn new(waits: bool, is_copied: bool) -> Result<Self, Errno> {
        let board = Board::new(waits);
        Ok(if is_copied { Self::Shared(SharedBoard::new(board)?) } else { Self::Own(board) })
    }
}

impl Deref for Place {
    type Target = Board;

    fn deref(&self) -> &Board {
        match self {
            Self::Own(board) => board,
            Self::Shared(page) => page,
        }
    }
}

/// A board that stays shared when memory is copied; unmapped when it is dropped.
#[derive(Debug)]
pub(super) struct SharedBoard(NonNull<Board>);

impl SharedBoard {
    pub(super) fn new(board: Board) -> Result<Self, Errno> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, at a place that the kernel chooses.
        let page = unsafe {
            mmap_anonymous(ptr::null_mut(), size_of::<Board>(), protection, MapFlags::SHARED)
        }?;
        let place = NonNull::new(page.cast::<Board>()).ok_or(Errno::NOMEM)?;
        // SAFETY: a mapping begins at a page, is large enough, and nobody has it yet.
        unsafe { place.write(board) };
        Ok(Self(place))
    }
}

impl Deref for SharedBoard {
    type Target = Board;

    fn deref(&self) -> &Board {
        // SAFETY: `new` wrote it, and everything in it that others write is atomic.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for SharedBoard {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`. Children have mappings of their own.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), size_of::<Board>()) };
    }
}
