//! The child's stack: its own, with a guard page, kept by the thread for its next start.
#![allow(unsafe_code, reason = "mapping memory")]

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::thread_local;

use ns_sys::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// The lowest part, which no one may touch: at least a page, on every page size.
const GUARD: usize = 64 * 1024;

thread_local! {
    /// A mapping costs more than the rest of a start's preparations, which takes one or two.
    static KEPT: Cell<[Option<Stack>; 2]> = const { Cell::new([None, None]) };
}

/// A stack.
#[derive(Debug)]
pub(super) struct Stack(NonNull<u8>);

impl Stack {
    /// Enough for the steps: the largest, a mount below a new root, holds two buffers of a path each.
    pub(super) const SIZE: usize = 64 * 1024;

    /// A kept one, or a new one: for the first start, or one within another.
    pub(super) fn take() -> Result<Self, Errno> {
        let kept = KEPT.try_with(|kept| {
            let mut stacks = kept.take();
            let taken = stacks.iter_mut().find_map(Option::take);
            kept.set(stacks);
            taken
        });
        kept.ok().flatten().map_or_else(Self::new, Ok)
    }

    /// The lowest byte that may be used.
    pub(super) fn lowest(&self) -> NonNull<u8> {
        // SAFETY: the mapping is larger than its guard.
        unsafe { self.0.add(GUARD) }
    }

    /// A new one.
    pub(super) fn new() -> Result<Self, Errno> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::STACK | MapFlags::NORESERVE;
        // SAFETY: a new mapping, at a place that the kernel chooses.
        let start =
            unsafe { mmap_anonymous(ptr::null_mut(), GUARD + Self::SIZE, protection, flags) }?;
        let stack = Self(NonNull::new(start.cast()).ok_or(Errno::NOMEM)?);
        // SAFETY: the lowest part of that mapping, which nobody has used.
        unsafe { mprotect(start, GUARD, MprotectFlags::empty()) }?;
        Ok(stack)
    }
}

impl Drop for Stack {
    /// Keeps it for the thread's next start, or unmaps it. Whatever ran on it has left the memory by then.
    fn drop(&mut self) {
        let kept = KEPT.try_with(|kept| {
            let mut stacks = kept.take();
            let free = stacks.iter_mut().find(|stack| stack.is_none());
            let is_kept = free.map(|free| *free = Some(Self(self.0))).is_some();
            kept.set(stacks);
            is_kept
        });
        if kept != Ok(true) {
            // SAFETY: the mapping of `new`, which no other value stands for.
            let _ = unsafe { munmap(self.0.as_ptr().cast(), GUARD + Self::SIZE) };
        }
    }
}
