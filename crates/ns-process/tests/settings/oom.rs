//! The adjustment of the OOM score.
#![allow(unsafe_code, reason = "an empty hook")]

use std::fs;

use crate::common::{assert_refused, in_child, printed, shell};
use ns_process::{CloneFlags, Container, Errno, Init, Inject, Memory, Namespace, Step};
use ns_testbed::{Role, role};

const FILE: &str = "/proc/self/oom_score_adj";

/// The value of this process.
fn own() -> i32 {
    fs::read_to_string(FILE).expect("read").trim().parse().expect("a number")
}

/// A value that this process may set without privilege.
fn higher() -> i32 {
    (own() + 7).min(1000)
}

fn cat() -> Container {
    let mut container = Container::new("cat");
    container.arg(FILE);
    container
}

/// The program has the value, in every kind of start, and the caller keeps its own: the kernel would change the value of
/// all processes that share the memory.
#[test]
fn the_oom_score_of_the_program_only_is_adjusted() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (before, wanted) = (own(), higher());
        let expected = format!("{wanted}\n");
        let check = |container: &Container| {
            assert_eq!(printed(container), expected);
            assert_eq!(own(), before);
        };
        check(cat().oom_score_adj(wanted));
        check(cat().oom_score_adj(wanted).memory(Memory::Copied));
        let mut inside = cat();
        inside.all().map_zero().mount_proc().oom_score_adj(wanted);
        check(&inside);
        check(inside.keep_only(ns_process::CapabilitySet::empty()));
        let mut init = shell("cat /proc/1/oom_score_adj");
        init.namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt]).map_zero().mount_proc();
        check(init.init(Init::builtin()).oom_score_adj(wanted));
        let mut hooked = cat();
        hooked.namespaces([Namespace::User, Namespace::Pid]).map_zero();
        // SAFETY: the hook does nothing.
        unsafe { hooked.preup(|_| ()) };
        check(hooked.oom_score_adj(wanted));
        check(cat().daemonize_as_child().oom_score_adj(wanted));
        assert_eq!(hooked.get_oom_score_adj(), Some(wanted));
        if role() == Role::Root {
            let user = ns_testbed::USER;
            check(cat().uid(user).gid(user).oom_score_adj(wanted));
        }
    });
}

/// An injected program has the value.
#[test]
fn the_oom_score_of_an_injected_program_is_adjusted() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut target = Container::new("sleep");
        let target = target.arg("1000").namespaces(["user", "uts"]).map_zero().start();
        let target = target.expect("start");
        let (before, wanted) = (own(), higher());
        let printed = printed(Inject::new(&target, "cat").arg(FILE).oom_score_adj(wanted));
        assert_eq!((printed, own()), (format!("{wanted}\n"), before));
        target.kill().expect("kill");
        target.join().expect("join");
    });
}

/// A start with another value does not disturb starts that clear the dumpable flag at the same time, and the other way
/// round.
#[test]
fn oom_scores_are_set_during_other_starts() {
    ns_testbed::run_as!([Root, User, Nested], {
        let wanted = higher();
        std::thread::scope(|scope| {
            let others = scope.spawn(|| {
                for _ in 0..20 {
                    let mut container = Container::new("true");
                    container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
                    assert!(container.init(Init::builtin()).status().expect("start").success());
                }
            });
            for _ in 0..20 {
                assert_eq!(printed(cat().oom_score_adj(wanted)), format!("{wanted}\n"));
            }
            others.join().expect("no panic");
        });
    });
}

/// Without privilege a lower value is refused, and so is any value of a caller that is not dumpable.
#[test]
fn f12_refused_oom_scores_are_named() {
    ns_testbed::run_as!([User], {
        let refused = |value| {
            let error = cat().oom_score_adj(value).start().expect_err("no privilege");
            assert_eq!((error.step(), error.errno()), (Step::OomScoreAdj, Some(Errno::ACCESS)));
            assert_eq!(error.object(), Some(FILE));
            assert!(error.hint().is_some_and(|hint| hint.contains("CAP_SYS_RESOURCE")), "{error}");
        };
        refused(-1000);
        in_child(|| {
            ns_process::set_dumpable(false).expect("prctl");
            refused(1000);
        });
        let error = cat().proc("/nowhere").oom_score_adj(5).start().expect_err("no proc");
        assert_eq!((error.step(), error.errno()), (Step::OomScoreAdj, Some(Errno::NOENT)));
    });
}

/// Invalid values and flags that exclude a copy of the memory are refused.
#[test]
fn invalid_oom_scores_are_refused() {
    assert_refused(cat().oom_score_adj(1001), "oom_score_adj: must be from -1000 to 1000");
    assert_refused(
        cat().oom_score_adj(1).flags(CloneFlags::FS),
        "oom_score_adj: copies the memory, which CLONE_FS excludes",
    );
}
