//! A heap that exits from a process that may not use it.
#![allow(unsafe_code, reason = "a global allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU32, Ordering};

/// The heap of the system, which can be restricted to one process. Another process that uses it exits at once
/// with [`WatchedHeap::CODE`].
///
/// It serves for processes that share memory, and for forked children.
///
/// ```
/// #[global_allocator]
/// static HEAP: ns_testbed::WatchedHeap = ns_testbed::WatchedHeap::new();
///
/// assert_eq!(ns_testbed::forked(|| 0), 0);
/// let code = ns_testbed::forked(|| {
///     HEAP.forbid();
///     vec![0_u8; std::hint::black_box(16)].len() as i32
/// });
/// assert_eq!(code, ns_testbed::WatchedHeap::CODE);
/// ```
#[derive(Debug)]
pub struct WatchedHeap {
    /// The process that may use it; 0 for any.
    allowed: AtomicU32,
}

impl WatchedHeap {
    /// The exit code of a process that used the heap without permission.
    pub const CODE: i32 = 99;

    /// A heap without restriction.
    pub const fn new() -> Self {
        Self { allowed: AtomicU32::new(0) }
    }

    /// Restricts the heap to this process: no process that shares its memory or is forked from it may use it.
    pub fn allow_only_this_process(&self) {
        self.allowed.store(std::process::id(), Ordering::Relaxed);
    }

    /// Restricts the heap to no process.
    pub fn forbid(&self) {
        self.allowed.store(u32::MAX, Ordering::Relaxed);
    }

    fn check(&self) {
        let allowed = self.allowed.load(Ordering::Relaxed);
        if allowed != 0 && std::process::id() != allowed {
            // SAFETY: exits from the process.
            unsafe { libc::_exit(Self::CODE) }
        }
    }
}

impl Default for WatchedHeap {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: each call is passed on to the allocator of the system.
unsafe impl GlobalAlloc for WatchedHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.check();
        // SAFETY: the caller upholds the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        self.check();
        // SAFETY: the caller upholds the contract.
        unsafe { System.dealloc(memory, layout) }
    }
}
