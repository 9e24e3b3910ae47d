//! Children that are killed before exec, and what they share with the caller until then.

use std::fs;
use std::time::Instant;

use crate::common::every_step::programs;
use crate::common::target::Target;
use crate::common::{Directory, assert_unchanged, in_child, mapped, shell};
use ns_process::{CloneFlags, Container, Resource, Signal, Step};
use ns_sys::pidfd_send_signal;
use ns_testbed::{LONG, Leftovers, nicer};

/// Whichever signal kills the child, the start returns an error soon, and nothing is left.
#[test]
fn f28_a_child_killed_before_exec_is_an_error() {
    ns_testbed::run_as!([Root, User, Nested], {
        for signal in [Signal::KILL, Signal::SEGV, Signal::ABORT, Signal::TERM, Signal::USR1] {
            let before = Leftovers::snapshot();
            let mut container = mapped();
            container.before_go(move |child| pidfd_send_signal(child, signal));
            let begin = Instant::now();
            let error = container.start().expect_err("it is killed");
            assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
            let named = format!("signal {}", signal.as_raw());
            assert!(error.to_string().contains(&named), "{error}");
            assert!(begin.elapsed() < LONG, "{:?}", begin.elapsed());
            assert_unchanged(&before);
        }
    });
}

/// A child that is killed before exec makes no core dump, which would contain the caller's memory.
#[test]
fn f26_a_killed_child_dumps_no_core() {
    ns_testbed::run_as!([Root, User], {
        let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").expect("read");
        if pattern.starts_with(['/', '|']) {
            ns_testbed::skip!("core dumps are not written to the working directory here");
        }
        let limit = |bytes| ns_sys::child::prlimit(Resource::Core as u32, bytes, bytes);
        if limit(u64::MAX).or_else(|_| limit(1 << 30)).is_err() {
            ns_testbed::skip!("the hard limit of core dumps is too low");
        }
        let directory = Directory::new("core");
        in_child(|| {
            std::env::set_current_dir(&directory).expect("chdir");
            // Without a new user namespace the caller stays dumpable.
            let mut container = Container::new("true");
            container.before_go(|child| pidfd_send_signal(child, Signal::SEGV));
            let error = container.start().expect_err("it is killed");
            assert_eq!(error.step(), Step::Exec, "{error}");
            let dumps: Vec<_> = fs::read_dir(".").expect("list").collect();
            assert!(dumps.is_empty(), "{dumps:?}");
            // The program itself may dump core within the caller's limit.
            let status = shell("kill -SEGV $$").status().expect("start");
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(11));
        });
    });
}

/// Attributes that the caller and a child in shared memory have in common are not changed by any step of a start.
#[test]
fn f25_the_attributes_of_the_caller_are_unchanged() {
    ns_testbed::run_as!([Root, User, Nested], {
        let attributes = || {
            let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
            let status = read("/proc/self/status");
            let fields =
                ["THP_enabled", "NoNewPrivs", "CapEff", "CapBnd", "SigIgn", "Uid", "Umask"];
            let kept = |line: &&str| fields.iter().any(|field| line.starts_with(field));
            let status: String = status.lines().filter(kept).collect();
            (read("/proc/self/oom_score_adj"), read("/proc/self/limits"), status)
        };
        let before = attributes();
        let mut container = mapped();
        container.nice(nicer(3)).umask(0o77).no_new_privs().rlimit(Resource::Nofile, 30, 40);
        container.drop_capabilities(ns_process::CapabilitySet::SYS_ADMIN).hostname("other");
        container.new_session(true).die_with_parent();
        assert!(container.status().expect("start").success());
        assert_eq!(attributes(), before);
        let (root, target) = (Directory::new("root"), Target::in_all());
        for container in programs(root.to_str().expect("text"), &target) {
            assert!(!container.status().expect("start").success(), "it exits with 7");
            assert_eq!(attributes(), before, "{}", container.plan().expect("plan").describe());
        }
    });
}

/// CLONE_VFORK, which suspends the caller, does not prevent it from writing the maps.
#[test]
fn b12_vfork_does_not_prevent_maps() {
    ns_testbed::run_as!([Root, User, Nested], {
        let begin = Instant::now();
        let mut container = mapped();
        let status = container.flags(CloneFlags::VFORK).status().expect("start");
        assert!(status.success() && begin.elapsed() < LONG);
    });
}

/// A start that a limit refuses leaves no waiting process behind.
#[test]
fn a03_no_process_waits_after_a_refused_clone() {
    ns_testbed::run_as!([Nested], {
        fs::write("/proc/sys/user/max_user_namespaces", "0").expect("write");
        let before = Leftovers::snapshot();
        let error = mapped().start().expect_err("no user namespace is allowed");
        assert_eq!((error.step(), error.errno()), (Step::Clone, Some(ns_process::Errno::NOSPC)));
        assert!(error.to_string().contains("max_user_namespaces is 0"), "{error}");
        assert_unchanged(&before);
    });
}
