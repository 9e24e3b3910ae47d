//! The heap of the command: blocks of one fixed arena, of which only the last one can be freed.
//!
//! Most runs parse one command line, start one program and wait. They allocate some hundred kilobytes, and musl's malloc
//! takes longer for these than the start of the program. A run that allocates more than the arena continues with the
//! system's allocator, so a long run does not grow.
#![allow(unsafe_code, reason = "GlobalAlloc is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The kernel provides only the pages that are used.
const SIZE: usize = 1 << 20;

/// An allocator with an arena of `N` bytes, for a `static`.
///
/// The counter lies next to the first blocks, so that it needs no page of its own.
#[repr(C)]
pub(crate) struct Arena<const N: usize = SIZE> {
    /// The end of the last block: all bytes from this offset on are free.
    used: AtomicUsize,
    memory: UnsafeCell<MaybeUninit<[u8; N]>>,
}

// SAFETY: `reserve` hands out only bytes above `used`, which `resize` lowers only to the start of a block that its owner
// frees: no two threads own the same byte.
unsafe impl<const N: usize> Sync for Arena<N> {}

impl<const N: usize> Arena<N> {
    pub(crate) const fn new() -> Self {
        Self { used: AtomicUsize::new(0), memory: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    fn start(&self) -> *mut u8 {
        self.memory.get().cast()
    }

    fn contains(&self, block: *mut u8) -> bool {
        (self.start().addr()..self.start().addr() + N).contains(&block.addr())
    }

    /// Reserves a block, or returns `None` if the rest of the arena is too small.
    fn reserve(&self, layout: Layout) -> Option<*mut u8> {
        let after = |used: usize| -> Option<Range<usize>> {
            let address = self.start().addr().checked_add(used)?;
            let padding = address.checked_next_multiple_of(layout.align())? - address;
            let first = used.checked_add(padding)?;
            let last = first.checked_add(layout.size()).filter(|last| *last <= N)?;
            Some(first..last)
        };
        let end = |used| after(used).map(|block| block.end);
        // Whatever another thread did with this memory before it freed it has happened.
        let used = self.used.fetch_update(Ordering::AcqRel, Ordering::Relaxed, end);
        used.ok().and_then(after).map(|block| self.start().wrapping_add(block.start))
    }

    /// Changes the size of a block of the arena if it is the last one; size 0 frees it.
    fn resize(&self, block: *mut u8, layout: Layout, size: usize) -> bool {
        let first = block.addr() - self.start().addr();
        let new_last = first.checked_add(size).filter(|last| *last <= N);
        new_last.is_some_and(|new| {
            let last = first + layout.size();
            self.used.compare_exchange(last, new, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        })
    }
}

// SAFETY: a block is either exclusive memory of the arena, with the size and alignment of its layout, or one of `System`.
// `contains` distinguishes them. Nothing here unwinds or allocates.
unsafe impl<const N: usize> GlobalAlloc for Arena<N> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`.
        self.reserve(layout).unwrap_or_else(|| unsafe { System.alloc(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if self.contains(block) {
            self.resize(block, layout, 0);
        } else {
            // SAFETY: a block outside the arena is from `System`, with this layout.
            unsafe { System.dealloc(block, layout) }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !self.contains(block) {
            // SAFETY: a block outside the arena is from `System`, with this layout.
            return unsafe { System.realloc(block, layout, size) };
        }
        if self.resize(block, layout, size) || size <= layout.size() {
            return block;
        }
        // SAFETY: the caller keeps the size valid for this alignment.
        let new_layout = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: the size is not 0, because it is larger than that of a block.
        let new = unsafe { self.alloc(new_layout) };
        if !new.is_null() {
            // SAFETY: both blocks have `layout.size()` bytes, and the new one is not part of the old one.
            unsafe { new.copy_from_nonoverlapping(block, layout.size()) };
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).expect("a valid layout")
    }

    #[test]
    fn a_full_arena_continues_with_the_system() {
        static ARENA: Arena<64> = Arena::new();
        let inside = ARENA.reserve(layout(40, 8)).expect("24 bytes remain");
        assert!(ARENA.contains(inside));
        assert_eq!(ARENA.reserve(layout(25, 1)), None);
        assert_eq!(ARENA.reserve(layout(usize::MAX >> 1, 1)), None);
        // SAFETY: the size is not 0.
        let outside = unsafe { ARENA.alloc_zeroed(layout(100, 16)) };
        assert!(!outside.is_null() && !ARENA.contains(outside));
        // SAFETY: the block has this layout.
        let outside = unsafe { ARENA.realloc(outside, layout(100, 16), 200) };
        // SAFETY: the block has this layout.
        unsafe { ARENA.dealloc(outside, layout(200, 16)) };
        assert!(ARENA.reserve(layout(24, 1)).is_some());
    }

    #[test]
    fn the_last_block_is_resized_in_place_and_another_is_copied() {
        static ARENA: Arena<4096> = Arena::new();
        // SAFETY: the size is not 0.
        let first = unsafe { ARENA.alloc(layout(4, 4)) };
        // SAFETY: the block has 4 bytes.
        unsafe { first.copy_from_nonoverlapping(b"1234".as_ptr(), 4) };
        // SAFETY: the block has this layout.
        let grown = unsafe { ARENA.realloc(first, layout(4, 4), 16) };
        assert_eq!(grown, first);
        // SAFETY: the size is not 0.
        let second = unsafe { ARENA.alloc(layout(1, 1)) };
        assert_eq!(second.addr(), first.addr() + 16);
        // SAFETY: the block has this layout.
        let moved = unsafe { ARENA.realloc(grown, layout(16, 4), 32) };
        assert_ne!(moved, first);
        // SAFETY: the block has 32 bytes, of which the first 4 were copied.
        let text = unsafe { std::slice::from_raw_parts(moved, 4) };
        assert_eq!(text, b"1234");
        // SAFETY: the block has this layout.
        unsafe { ARENA.dealloc(second, layout(1, 1)) };
        // SAFETY: the block has this layout.
        unsafe { ARENA.dealloc(moved, layout(32, 4)) };
        assert_eq!(ARENA.reserve(layout(8, 4)), Some(moved), "the last block was freed");
    }

    #[test]
    fn every_alignment_is_kept() {
        static ARENA: Arena<{ 1 << 16 }> = Arena::new();
        for align in (0..12).map(|power| 1 << power) {
            let block = ARENA.reserve(layout(3, align)).expect("the arena is large enough");
            assert_eq!(block.addr() % align, 0, "{align}");
        }
    }

    #[test]
    fn threads_never_share_a_byte() {
        const THREADS: usize = 8;
        static ARENA: Arena<{ 1 << 18 }> = Arena::new();
        let blocks = std::thread::scope(|scope| {
            let threads: [_; THREADS] = std::array::from_fn(|thread| {
                scope.spawn(move || {
                    let sizes = (0..500).map(|turn| 1 + (turn * 7 + thread) % 40);
                    let blocks =
                        sizes.filter_map(|size| Some((ARENA.reserve(layout(size, 8))?, size)));
                    blocks.map(|(block, size)| (block.addr(), size)).collect::<Vec<_>>()
                })
            });
            threads.map(|thread| thread.join().expect("no panic")).concat()
        });
        let mut sorted = blocks;
        sorted.sort_unstable();
        assert_eq!(sorted.len(), THREADS * 500);
        assert!(sorted.is_sorted_by(|(first, size), (second, _)| first + size <= *second));
    }
}
