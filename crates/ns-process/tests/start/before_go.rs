//! The `before_go` hook, which the caller runs before it releases the child.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::{Output, assert_unchanged, mapped, reap_all, shell};
use ns_process::{Errno, Side, Step};
use ns_testbed::Leftovers;

/// When the hook runs, the child is in its namespaces, has its maps, and has not executed its program.
#[test]
fn before_go_comes_between_map_and_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let mut container = mapped();
        container.before_go(move |child| {
            let proc = format!("/proc/{}", child.pid());
            let map = fs::read_to_string(format!("{proc}/uid_map")).expect("map");
            assert!(map.trim_start().starts_with('0'), "{map}");
            let own = fs::read_link("/proc/self/exe").expect("the link of this process");
            // The child is not dumpable for root, which may read the link all the same.
            assert_eq!(fs::read_link(format!("{proc}/exe")).expect("not executed yet"), own);
            counted.fetch_add(1, Ordering::Relaxed);
        });
        for round in 1..=2 {
            assert!(container.start().expect("start").join().expect("join").success());
            assert_eq!(calls.load(Ordering::Relaxed), round);
        }
    });
}

/// The child waits for the hook without maps, too.
#[test]
fn before_go_delays_a_child_without_maps() {
    ns_testbed::run_as!([Root, User], {
        let file = Output::new();
        let path = file.path().to_owned();
        let mut container = shell(&format!("cat {path}"));
        container.before_go(move |_| {
            std::thread::sleep(std::time::Duration::from_millis(150));
            fs::write(&path, "ready")
        });
        assert!(container.start().expect("start").join().expect("join").success());
    });
}

/// An error of the hook is the error of the start, and the child is killed.
#[test]
fn f12_an_error_of_before_go_is_the_error_of_the_start() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let mut container = mapped();
        container.name("box").before_go(|_| Err::<(), _>(io::Error::from_raw_os_error(13)));
        let error = container.start().expect_err("the hook fails");
        assert_eq!((error.step(), error.side()), (Step::BeforeGo, Side::Parent));
        assert_eq!(error.errno(), Some(Errno::ACCESS));
        assert!(error.to_string().starts_with("box: before_go: Permission denied"), "{error}");
        let mut container = mapped();
        container.before_go(|_| Err::<(), _>("no interface"));
        let error = container.start().expect_err("the hook fails");
        assert_eq!((error.errno(), error.object()), (None, Some("no interface")));
        assert_unchanged(&before);
    });
}

/// A start within a start works. A panic continues in the caller and leaves nothing behind.
#[test]
fn f29_a_start_within_a_start_works() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = mapped();
        container.before_go(|_| {
            let mut inner = mapped();
            inner.before_go(|_| mapped().start().map(drop));
            let status = inner.start().expect("inner").join().expect("join");
            assert!(status.success());
        });
        assert!(container.start().expect("start").join().expect("join").success());
        reap_all();
        let before = Leftovers::snapshot();
        let mut container = mapped();
        container.before_go(|_| {
            assert!(std::env::args().count() == 0, "on purpose");
        });
        let caught = catch_unwind(AssertUnwindSafe(|| container.start()));
        let panic = caught.expect_err("the panic continues");
        assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
        assert_unchanged(&before);
        assert!(mapped().start().expect("start").join().expect("join").success());
    });
}
