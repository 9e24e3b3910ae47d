//! The child allocates nothing: a global allocator ends it if it does.

mod common;

use common::containers;
use common::target::Target;
use ns_process::{Container, Inject, Step};
use ns_testbed::WatchedHeap;

#[global_allocator]
static HEAP: WatchedHeap = WatchedHeap::new();

/// Over every step there is, with success and with failure.
#[test]
fn no_step_allocates() {
    ns_testbed::run_as!([Root, User, Nested], {
        HEAP.allow_only_this_process();
        let mut container = Container::new("true");
        container.all().map_zero().mount_proc();
        assert!(container.start().expect("start").join().expect("join").success());
        let root = std::env::temp_dir().join(format!("ns-process-fence-{}", std::process::id()));
        std::fs::create_dir_all(&root).expect("mkdir");
        let entered = Target::in_all();
        for container in containers(root.to_str().expect("text"), &entered) {
            let code = container.start().expect("start").join().expect("join").code();
            assert_eq!(code, Some(7));
        }
        let mut inject = Inject::new(&*entered, "sh");
        inject.args(["-c", "exit 7"]).follow_root().match_privileges();
        assert_eq!(inject.status().expect("start").code(), Some(7));
        std::fs::remove_dir_all(&root).expect("remove");
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
        HEAP.allow_only_this_process();
        assert_eq!(ns_testbed::forked(|| i32::from(vec![0_u8; 16].is_empty())), WatchedHeap::CODE);
    });
}
