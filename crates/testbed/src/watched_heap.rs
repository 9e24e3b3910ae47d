//! A heap that ends the process which may not use it.
#![allow(unsafe_code, reason = "a global allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU32, Ordering};

/// The system's heap, until some processes are forbidden to use it: one that does then exits at once with
/// [`WatchedHeap::CODE`].
///
/// Made for memory that several processes share, and for forked copies.
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
    /// The process that may use it; 0 is any.
    allowed: AtomicU32,
}

impl WatchedHeap {
    /// The exit code of a process that used it all the same.
    pub const CODE: i32 = 99;

    /// Anybody may use it.
    pub const fn new() -> Self {
        Self { allowed: AtomicU32::new(0) }
    }

    /// From here on, this process may use it and no other that shares its memory, or is forked from it.
    pub fn allow_only_this_process(&self) {
        self.allowed.store(std::process::id(), Ordering::Relaxed);
    }

    /// From here on, nobody may.
    pub fn forbid(&self) {
        self.allowed.store(u32::MAX, Ordering::Relaxed);
    }

    fn look(&self) {
        let allowed = self.allowed.load(Ordering::Relaxed);
        if allowed != 0 && std::process::id() != allowed {
            // SAFETY: ends the process and nothing else.
            unsafe { libc::_exit(Self::CODE) }
        }
    }
}

impl Default for WatchedHeap {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for WatchedHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.look();
        // SAFETY: the caller's own contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        self.look();
        // SAFETY: the caller's own contract.
        unsafe { System.dealloc(memory, layout) }
    }
}
