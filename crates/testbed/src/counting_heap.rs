//! A heap that counts allocations.
#![allow(unsafe_code, reason = "a global allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// The heap of the system, which counts the allocations of each thread.
///
/// ```
/// #[global_allocator]
/// static HEAP: ns_testbed::CountingHeap = ns_testbed::CountingHeap;
///
/// assert_eq!(ns_testbed::CountingHeap::allocations(|| 1 + 1), 0);
/// assert_eq!(ns_testbed::CountingHeap::allocations(|| vec![0_u8; 16]), 1);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CountingHeap;

impl CountingHeap {
    /// The number of allocations that `work` makes on this thread. Freeing its value is not counted.
    ///
    /// Returns 0 if the heap is not the global allocator.
    pub fn allocations<T>(work: impl FnOnce() -> T) -> usize {
        let before = COUNT.get();
        let value = black_box(work());
        let count = COUNT.get() - before;
        drop(value);
        count
    }
}

fn count() {
    COUNT.set(COUNT.get() + 1);
}

// SAFETY: each call is passed on to the allocator of the system.
unsafe impl GlobalAlloc for CountingHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller upholds the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds the contract.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller upholds the contract.
        unsafe { System.realloc(memory, layout, size) }
    }
}
