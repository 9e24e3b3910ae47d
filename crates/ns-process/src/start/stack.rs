//! The child's stack, with a guard area. The thread keeps it for its next start.
#![allow(unsafe_code, reason = "maps memory")]

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::thread_local;

use ns_sys::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// The size of the inaccessible lowest part: at least a page, with every page size.
const GUARD: usize = 64 * 1024;

thread_local! {
    /// The unused stacks of this thread. A start takes one or two. A new mapping costs more than
    /// all other preparations of a start.
    static KEPT: Cell<[Option<Stack>; 2]> = const { Cell::new([None, None]) };
}

/// A stack for one child.
#[derive(Debug)]
pub(super) struct Stack(NonNull<u8>);

impl Stack {
    /// The usable size, enough for every step: the largest, a copy into a tmpfs, needs some 20 KiB.
    pub(super) const SIZE: usize = 64 * 1024;

    /// Takes an unused stack of this thread. Maps a new one for the first start, and for a start
    /// within another.
    pub(super) fn take() -> Result<Self, Errno> {
        let kept = KEPT.try_with(|kept| {
            let mut stacks = kept.take();
            let taken = stacks.iter_mut().find_map(Option::take);
            kept.set(stacks);
            taken
        });
        kept.ok().flatten().map_or_else(Self::new, Ok)
    }

    /// The lowest usable byte.
    pub(super) fn lowest(&self) -> NonNull<u8> {
        // SAFETY: the mapping is `GUARD + SIZE` bytes long, so the result is inside it.
        unsafe { self.0.add(GUARD) }
    }

    /// Maps a new stack.
    pub(super) fn new() -> Result<Self, Errno> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::STACK | MapFlags::NORESERVE;
        // SAFETY: a new mapping at an address that the kernel chooses overlaps no other memory.
        let start =
            unsafe { mmap_anonymous(ptr::null_mut(), GUARD + Self::SIZE, protection, flags) }?;
        let stack = Self(NonNull::new(start.cast()).ok_or(Errno::NOMEM)?);
        // SAFETY: the range is the lowest part of the new mapping, to which no reference exists.
        unsafe { mprotect(start, GUARD, MprotectFlags::empty()) }?;
        Ok(stack)
    }
}

impl Drop for Stack {
    /// Keeps the stack for the next start of this thread, or unmaps it. Every process that ran on
    /// it has left the memory by then.
    fn drop(&mut self) {
        let kept = KEPT.try_with(|kept| {
            let mut stacks = kept.take();
            let free = stacks.iter_mut().find(|stack| stack.is_none());
            let is_kept = free.map(|free| *free = Some(Self(self.0))).is_some();
            kept.set(stacks);
            is_kept
        });
        if kept != Ok(true) {
            // SAFETY: this is the mapping that `new` made. `self` was its only owner, and no
            // process runs on it any more.
            let _ = unsafe { munmap(self.0.as_ptr().cast(), GUARD + Self::SIZE) };
        }
    }
}
