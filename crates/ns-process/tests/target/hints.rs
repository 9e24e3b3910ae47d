//! What errors of an `Inject` say about its target.

use crate::common::target::{Target, sleep};
use ns_process::{Errno, Inject, Namespace, NamespaceFlags, Step};
use rustix::thread::gettid;

/// The ID of a thread is no target: the error names the process that it belongs to.
#[test]
fn c07_the_process_of_a_thread_is_named() {
    ns_testbed::run_as!([Root, User, Nested], {
        let thread = std::thread::spawn(|| {
            let id = gettid().as_raw_nonzero().get().unsigned_abs();
            let error = Inject::new(id, "true").start().expect_err("a thread");
            assert_eq!(error.object(), Some(&*format!("process {id}")), "{error}");
            let process = std::process::id();
            let hint = format!("it is a thread of process {process}: give the ID of the process");
            assert_eq!(error.hint(), Some(&*hint), "{error}");
        });
        thread.join().expect("the thread");
    });
}

/// A target in the caller's namespaces can be recognised before a start, which would join nothing.
#[test]
fn c02_a_target_in_the_namespaces_of_the_caller_is_visible() {
    ns_testbed::run_as!([Root, User, Nested], {
        let joins = |inject: &Inject| inject.joined_namespaces().expect("a target");
        let is_described = |inject: &Inject| {
            let plan = inject.plan().expect("a plan").describe().to_string();
            plan.contains("joins nothing: process")
        };
        let own = Inject::new(std::process::id(), "true");
        assert!(joins(&own).is_empty() && is_described(&own));
        assert!(own.status().expect("start").success());

        let target = Target::new(sleep().namespaces(["user", "uts"]).map_zero());
        let mut inject = Inject::new(target.pid(), "true");
        assert_eq!(joins(&inject), NamespaceFlags::USER | NamespaceFlags::UTS);
        assert!(!is_described(&inject));
        inject.namespaces([Namespace::Uts, Namespace::Net]);
        assert_eq!(joins(&inject), NamespaceFlags::UTS);
        inject.without(Namespace::Uts);
        assert!(joins(&inject).is_empty() && is_described(&inject));
        inject.namespace_file(Namespace::Uts, target.file(Namespace::Uts));
        assert_eq!(joins(&inject), NamespaceFlags::UTS);

        drop(target);
        let error = Inject::new(u32::MAX >> 1, "true").joined_namespaces().expect_err("no process");
        assert_eq!((error.step(), error.errno()), (Step::TargetGone, Some(Errno::SRCH)));
    });
}

/// A caller with CAP_SYS_PTRACE is not told to get it: it lacks it over a target outside its user namespace.
#[test]
fn c08_a_capability_that_the_caller_has_is_not_recommended() {
    ns_testbed::run_as!([User, Nested], {
        let error = Inject::new(1, "true").start().expect_err("a process of root");
        assert!(matches!(error.errno(), Some(Errno::PERM | Errno::ACCESS)), "{error}");
        let hint = error.hint().expect("a hint");
        if rustix::process::geteuid().is_root() {
            let expected = "the caller has CAP_SYS_PTRACE, but not over the target";
            assert!(hint.starts_with(expected), "{hint}");
        } else {
            assert!(hint.ends_with("needs CAP_SYS_PTRACE over it"), "{hint}");
        }
    });
}

/// A program is looked up in the joined mount namespace, and not where the caller sees a file of that name.
#[test]
fn f13_the_joined_mount_namespace_is_named() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::new(sleep().namespaces(["user", "mnt"]).map_zero());
        let hint = |program: &str| {
            let error = Inject::new(&*target, program).start().expect_err("no program");
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)), "{error}");
            error.hint().expect("a hint").to_owned()
        };
        let there = "in the joined mount namespace, or its interpreter is missing there";
        let none = hint("./none");
        assert_eq!(none, format!("./none is looked up in the working directory / {there}"));
        assert_eq!(hint("/bin/none"), format!("no such file {there}"));
        assert_eq!(hint("no-such-program"), format!("no such program in PATH {there}"));
    });
}
