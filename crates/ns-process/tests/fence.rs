//! The child allocates nothing: a global allocator ends it if it does.
#![allow(unsafe_code, reason = "a global allocator")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU32, Ordering};

use ns_process::{Container, Step};
use ns_sys::child::{exit_group, getpid};

/// The process that may allocate; 0 is any.
static ALLOWED: AtomicU32 = AtomicU32::new(0);

struct Watched;

fn look() {
    let allowed = ALLOWED.load(Ordering::Relaxed);
    if allowed != 0 && getpid() != allowed {
        exit_group(99);
    }
}

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        look();
        // SAFETY: the caller's own contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        look();
        // SAFETY: the caller's own contract.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static WATCHED: Watched = Watched;

/// Over every step there is, with success and with failure.
#[test]
fn no_step_allocates() {
    ns_testbed::run_as!([Root, User, Nested], {
        ALLOWED.store(std::process::id(), Ordering::Relaxed);
        let mut container = Container::new("true");
        container.all().map_zero().mount_proc();
        assert!(container.start().expect("start").join().expect("join").success());
        let mut container = Container::new("no-such-program");
        container.all().map_zero().mount_proc();
        let error = container.start().expect_err("an unknown program");
        // A child ended by the allocator would not have reported.
        assert!(error.step() == Step::Exec && error.errno().is_some(), "{error}");
    });
}

/// The allocator bites: a forked child that allocates is ended.
#[test]
fn the_allocator_bites() {
    ns_testbed::run_as!([User], {
        ALLOWED.store(std::process::id(), Ordering::Relaxed);
        assert_eq!(ns_testbed::forked(|| i32::from(vec![0_u8; 16].is_empty())), 99);
    });
}
