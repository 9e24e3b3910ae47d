//! A start allocates nothing in the child: a global allocator ends a child that does.
//!
//! A binary of its own, because of the global allocator.

mod common;

use common::Directory;
use common::every_step::programs;
use common::target::Target;
use ns_process::{Container, Inject, Step};
use ns_testbed::WatchedHeap;

#[global_allocator]
static HEAP: WatchedHeap = WatchedHeap::new();

/// No step of a start allocates, whether it succeeds or fails.
#[test]
fn no_step_allocates() {
    ns_testbed::run_as!([Root, User, Nested], {
        HEAP.allow_only_this_process();
        let mut container = Container::new("true");
        container.all().map_zero().mount_proc();
        assert!(container.start().expect("start").join().expect("join").success());
        let root = Directory::new("root");
        let target = Target::in_all();
        for container in programs(root.to_str().expect("text"), &target) {
            let code = container.start().expect("start").join().expect("join").code();
            assert_eq!(code, Some(7));
        }
        let mut inject = Inject::new(&*target, "sh");
        inject.args(["-c", "exit 7"]).follow_root().match_privileges();
        assert_eq!(inject.status().expect("start").code(), Some(7));
        let mut container = Container::new("no-such-program");
        container.all().map_zero().mount_proc();
        let error = container.start().expect_err("no such program");
        // A child that the allocator ended would not have reported an errno.
        assert!(error.step() == Step::Exec && error.errno().is_some(), "{error}");
    });
}

/// The allocator ends a forked child that allocates.
#[test]
fn the_allocator_ends_a_child() {
    ns_testbed::run_as!([User], {
        HEAP.allow_only_this_process();
        assert_eq!(ns_testbed::forked(|| i32::from(vec![0_u8; 16].is_empty())), WatchedHeap::CODE);
    });
}
