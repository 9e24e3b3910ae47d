//! Children that die before their program runs, and what they share with the caller until then.

mod common;

use std::fs;
use std::time::Instant;

use common::shell;
use ns_process::{CloneFlags, Container, Namespace, Resource, Signal, Step};
use ns_sys::pidfd_send_signal;
use ns_testbed::{LONG, Leftovers, forked, nicer};

fn mapped() -> Container {
    let mut container = Container::new("true");
    container.namespaces([Namespace::User, Namespace::Uts]).map_zero();
    container
}

/// However the child dies, the start returns soon, with an error, and nothing is left.
#[test]
fn f28_any_death_before_exec() {
    ns_testbed::run_as!([Root, User, Nested], {
        for signal in [Signal::KILL, Signal::SEGV, Signal::ABORT, Signal::TERM, Signal::USR1] {
            let before = Leftovers::snapshot();
            let mut container = mapped();
            container.before_go(move |child| pidfd_send_signal(child, signal));
            let begun = Instant::now();
            let error = container.start().expect_err("it is killed");
            assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
            let named = format!("signal {}", signal.as_raw());
            assert!(error.to_string().contains(&named), "{error}");
            assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
            common::assert_unchanged(&before);
        }
    });
}

/// A child that dies with a core dump would dump the caller's memory; it does not, and the caller lives.
#[test]
fn f26_no_dump_of_the_caller() {
    ns_testbed::run_as!([Root, User], {
        let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").expect("read");
        if pattern.starts_with(['/', '|']) {
            ns_testbed::skip!("dumps do not go into the working directory here");
        }
        let limit = |bytes| ns_sys::child::prlimit(Resource::Core as u32, bytes, bytes);
        if limit(u64::MAX).or_else(|_| limit(1 << 30)).is_err() {
            ns_testbed::skip!("the hard limit of dumps is lower");
        }
        let folder = std::env::temp_dir().join(format!("ns-process-core-{}", std::process::id()));
        fs::create_dir(&folder).expect("mkdir");
        let code = forked(|| {
            std::env::set_current_dir(&folder).expect("chdir");
            // Without a new user namespace the caller stays dumpable.
            let mut container = Container::new("true");
            container.before_go(|child| pidfd_send_signal(child, Signal::SEGV));
            let error = container.start().expect_err("it is killed");
            assert_eq!(error.step(), Step::Exec, "{error}");
            let dumps: Vec<_> = fs::read_dir(".").expect("list").collect();
            assert!(dumps.is_empty(), "{dumps:?}");
            // The program itself may dump, as the caller's limit has it.
            let status = shell("kill -SEGV $$").status().expect("start");
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(11));
            0
        });
        fs::remove_dir_all(&folder).expect("remove");
        assert_eq!(code, 0);
    });
}

/// What shared memory shares besides is as before: nothing of it is a step of the child's.
#[test]
fn f25_the_callers_own_values() {
    ns_testbed::run_as!([Root, User, Nested], {
        let look = || {
            let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
            let status = read("/proc/self/status");
            let fields =
                ["THP_enabled", "NoNewPrivs", "CapEff", "CapBnd", "SigIgn", "Uid", "Umask"];
            let kept = |line: &&str| fields.iter().any(|field| line.starts_with(field));
            let status: String = status.lines().filter(kept).collect();
            (read("/proc/self/oom_score_adj"), read("/proc/self/limits"), status)
        };
        let before = look();
        let mut container = mapped();
        container.nice(nicer(3)).umask(0o77).no_new_privs().rlimit(Resource::Nofile, 30, 40);
        container.drop_capabilities(ns_process::CapabilitySet::SYS_ADMIN).hostname("other");
        container.new_session(true).die_with_parent();
        assert!(container.status().expect("start").success());
        assert_eq!(look(), before);
    });
}

/// The flag that would stop the caller while the child waits for its maps is no obstacle.
#[test]
fn b12_vfork_and_a_map() {
    ns_testbed::run_as!([Root, User, Nested], {
        let begun = Instant::now();
        let mut container = mapped();
        let status = container.flags(CloneFlags::VFORK).status().expect("start");
        assert!(status.success() && begun.elapsed() < LONG);
    });
}

/// A start that is refused by a limit leaves no helper behind, nor anybody who waits.
#[test]
fn a03_nobody_waits_after_a_refusal() {
    ns_testbed::run_as!([Nested], {
        fs::write("/proc/sys/user/max_user_namespaces", "0").expect("write");
        let before = Leftovers::snapshot();
        let error = mapped().start().expect_err("no user namespace is allowed");
        assert_eq!((error.step(), error.errno()), (Step::Clone, Some(ns_process::Errno::NOSPC)));
        assert!(error.to_string().contains("max_user_namespaces is 0"), "{error}");
        common::assert_unchanged(&before);
    });
}
