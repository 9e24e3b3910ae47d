//! The dumpable flag, which the process has once, and starts that need it in different states.
#![allow(unsafe_code, reason = "forks during starts")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::memory::dumpable;
use crate::common::program::{helper_test, is_helper_test};
use crate::common::target::{Target, sleep};
use crate::common::users::{as_user, delegated, has_newuidmap};
use crate::common::{assert_unchanged, reap_all, rounds, shell};
use ns_process::{
    CapabilitySet, CloneFlags, Container, Errno, Init, Inject, Memory, Namespace, Stdio, Step,
    set_dumpable,
};
use ns_testbed::{Leftovers, USER, forked, observed};

/// The time that a start may take during other starts; longer where the machine may be busy.
fn limit() -> Duration {
    Duration::from_secs(rounds(1, 20))
}

fn mapped() -> Container {
    let mut container = Container::new("true");
    container.namespace(Namespace::User).map_zero().start_timeout(limit());
    container
}

/// `true` in a user namespace with delegated IDs, whose maps are written by helper programs.
fn mapped_by_helpers() -> Container {
    let map = format!("0 {USER} 1,1 100000 10");
    let mut container = Container::new("true");
    container.namespace(Namespace::User).start_timeout(limit());
    container.uid_map(map.parse().expect("map")).gid_map(map.parse().expect("map"));
    container
}

fn target() -> Target {
    Target::new(sleep().namespaces(["user", "net"]).map_zero())
}

/// Runs `body` while other threads start injected programs, which clears the flag.
fn during_injects(target: &Target, threads: u32, body: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let process = Inject::new(&**target, "true").start().expect("inject");
                    process.join().expect("join");
                }
            });
        }
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        stop.store(true, Ordering::Relaxed);
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// Starts `container` many times and returns the longest time.
fn longest_start(container: &Container) -> Duration {
    let rounds = rounds(1000, 50);
    let times = (0..rounds).map(|_| {
        let begin = Instant::now();
        let process = container.start().expect("start");
        let time = begin.elapsed();
        assert!(process.join().expect("join").success());
        time
    });
    let longest = times.max().expect("some");
    println!("shown: {rounds} starts during injects by 8 threads, the longest {longest:?}");
    longest
}

/// Starts that need the flag set are not starved by starts that clear it.
#[test]
fn f35_mapped_starts_succeed_during_injects() {
    ns_testbed::run_as!([User], {
        let target = target();
        let before = Leftovers::snapshot();
        during_injects(&target, 8, || assert!(longest_start(&mapped()) < limit()));
        assert_eq!(dumpable(), 1);
        reap_all();
        assert_unchanged(&before);
    });
}

/// As above, with maps that helper programs write.
#[test]
fn f35_delegated_starts_succeed_during_injects() {
    ns_testbed::run_as!([Root], {
        if !has_newuidmap() {
            ns_testbed::skip!("no newuidmap");
        }
        let _etc = delegated();
        as_user(|| {
            let target = target();
            let container = mapped_by_helpers();
            during_injects(&target, 8, || assert!(longest_start(&container) < limit()));
        });
    });
}

/// A hook of a start that clears the flag starts programs that need it set, on its own thread and on another
/// thread that it waits for.
#[test]
fn f35_a_start_within_a_hook_does_not_deadlock() {
    ns_testbed::run_as!([User], {
        let target = target();
        let begin = Instant::now();
        let mut inject = Inject::new(&*target, "true");
        inject.before_go(|_| assert!(mapped().status().expect("nested").success()));
        inject.before_go(|_| {
            let other =
                thread::spawn(|| mapped().status().expect("started by the thread").success());
            assert!(other.join().expect("the thread"));
        });
        inject.before_go(|_| {
            // A start that needs the flag cleared does not wait.
            assert_eq!(dumpable(), 0);
            let nested = Inject::new(std::process::id(), "true").status();
            assert!(nested.expect("nested").success());
        });
        assert!(inject.status().expect("outer").success());
        let time = begin.elapsed();
        println!("shown: starts within three hooks of a start took {time:?}");
        assert!(time < limit(), "{time:?}");
        assert_eq!(dumpable(), 1);
    });
}

/// While a delayed start keeps the flag cleared, other starts copy the memory instead of waiting.
#[test]
fn f35_a_delayed_start_does_not_delay_others() {
    ns_testbed::run_as!([User], {
        let target = target();
        thread::scope(|scope| {
            let (sender, receiver) = std::sync::mpsc::channel();
            let (release, held) = std::sync::mpsc::channel::<()>();
            scope.spawn(|| {
                let mut inject = Inject::new(&*target, "true");
                let ends = std::sync::Mutex::new((sender, held));
                inject.before_go(move |_| {
                    let (sender, held) = &*ends.lock().expect("free");
                    sender.send(()).expect("send");
                    // Returns when the sender is dropped.
                    let _ = held.recv();
                });
                assert!(inject.status().expect("inject").success());
            });
            receiver.recv().expect("in the hook");
            assert!(mapped().status().expect("start").success());
            // CLONE_SYSVSEM excludes copied memory: the start fails after its timeout.
            let mut plain = Container::new("true");
            plain.flags(CloneFlags::SYSVSEM).namespace(Namespace::User).map_zero();
            let error = plain.start_timeout(Duration::from_millis(50)).start().expect_err("held");
            assert_eq!(
                (error.step(), error.errno()),
                (Step::Prepare, Some(Errno::BUSY)),
                "{error}"
            );
            drop(release);
        });
        assert_eq!(dumpable(), 1);
    });
}

/// A caller with one capability, which is not enough to write files of root, starts mapped programs.
#[test]
fn f36_a_caller_with_one_capability_can_map() {
    ns_testbed::run_as!([Root], {
        let mut caller = helper_test(f36_helper_with_one_capability);
        caller.uid(USER).gid(USER).keep_capabilities(CapabilitySet::NET_BIND_SERVICE);
        let output = caller.stdout(Stdio::piped()).output().expect("start");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    });
}

/// Not a test: the caller in the test above.
#[test]
fn f36_helper_with_one_capability() {
    if !is_helper_test() {
        return;
    }
    let plan = mapped().plan().expect("plan").describe().to_string();
    assert!(plan.starts_with("memory: copied"), "{plan}");
    let script = "id -u; cat /proc/self/uid_map | tr -s ' '";
    let mut container = shell(script);
    container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
    let output = container.output().expect("start");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("0\n 0 {USER} 1\n"));
    let error = mapped().flags(CloneFlags::SYSVSEM).start().expect_err("copied memory");
    assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::BUSY)), "{error}");
    assert!(mapped().init(Init::builtin()).namespace(Namespace::Pid).status().is_ok());
    assert_eq!(dumpable(), 1);
}

/// Joining a namespace of the caller joins nothing, and does not prevent maps from being written.
#[test]
fn f36_joining_an_own_namespace_changes_nothing() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = mapped();
        container.namespace_file(Namespace::Net, "/proc/self/ns/net");
        assert!(container.status().expect("start").success());
        assert_eq!(dumpable(), 1);
    });
}

/// A program that clears the flag while starts change it finds it cleared afterwards.
#[test]
fn f41_the_program_can_clear_the_flag_during_starts() {
    ns_testbed::run_as!([Root, User], {
        let rounds = rounds(200, 20);
        let target = target();
        for round in 0..rounds {
            set_dumpable(true).expect("set");
            during_injects(&target, 2, || {
                thread::sleep(Duration::from_micros(2000 + round * 37 % 2000));
                set_dumpable(false).expect("clear");
                assert_eq!(dumpable(), 0);
                thread::sleep(Duration::from_millis(3));
            });
            assert_eq!(dumpable(), 0, "set again in round {round}");
        }
        println!("shown: PR_SET_DUMPABLE 0 undone in 0 of {rounds} rounds");
        set_dumpable(true).expect("set");
        assert_eq!(dumpable(), 1);
    });
}

/// A program that is not dumpable writes maps with privilege only, and else gets the reason.
#[test]
fn f41_a_program_that_is_not_dumpable() {
    ns_testbed::run_as!([Root, User], {
        set_dumpable(false).expect("clear");
        let started = mapped().status();
        if rustix::process::geteuid().is_root() {
            assert!(started.expect("start").success());
        } else {
            let error = started.expect_err("root owns the files");
            assert_eq!((error.step(), error.errno()), (Step::UidMap, Some(Errno::ACCESS)));
            assert!(error.to_string().contains("dumpable"), "{error}");
        }
        assert_eq!(dumpable(), 0);
        set_dumpable(true).expect("set");
    });
}

/// If another thread clears the flag while a copy of the memory is prepared, it is prepared again.
#[test]
fn f41_the_flag_may_change_before_a_copy() {
    ns_testbed::run_as!([Root, User], {
        let sets: &[&[Namespace]] = &[&[], &[Namespace::User, Namespace::Pid]];
        for (namespaces, call) in sets.iter().flat_map(|set| (0..6).map(move |call| (set, call))) {
            let code = forked(|| {
                let (own, mut calls) = (std::process::id(), 0);
                let clear = move |pid, _| {
                    if pid == own {
                        calls += 1;
                        (calls == call + 1).then(|| set_dumpable(false).expect("clear"));
                    }
                };
                let mut container = Container::new("true");
                container.namespaces(namespaces.iter().copied()).memory(Memory::Copied);
                let started = observed(&[libc::SYS_mmap], clear, || container.status());
                i32::from(!started.expect("start").success())
            });
            assert_eq!(code, 0, "cleared at call {call}");
        }
    });
}

/// A privileged caller clears the flag for a child that less privileged processes could trace.
#[test]
fn c18_a_privileged_caller_clears_the_flag_if_needed() {
    ns_testbed::run_as!([Root], {
        let assert_flag = |container: &mut Container, expected| {
            container.before_go(move |_| assert_eq!(dumpable(), expected));
            assert!(container.status().expect("start").success());
            assert_eq!(dumpable(), 1);
        };
        assert_flag(&mut Container::new("true"), 1);
        assert_flag(Container::new("true").namespaces([Namespace::Mnt, Namespace::Net]), 1);
        assert_flag(Container::new("true").namespace(Namespace::User).map_zero(), 0);
        assert_flag(Container::new("true").drop_capabilities(CapabilitySet::all()), 0);
        assert_flag(Container::new("true").uid(USER).gid(USER), 0);
        assert_flag(Container::new("true").namespace(Namespace::Pid).init(Init::builtin()), 0);
    });
}

/// With an init the flag is cleared when the child is released, and set again afterwards.
#[test]
fn c18_the_flag_is_cleared_at_the_release_of_the_child() {
    ns_testbed::run_as!([User], {
        let assert_cleared = |container: &mut Container| {
            container.before_go(|_| assert_eq!(dumpable(), 0, "the maps are written"));
            assert!(container.status().expect("start").success());
            assert_eq!(dumpable(), 1);
        };
        assert_cleared(mapped().namespace(Namespace::Pid).init(Init::builtin()));
        // Without a map nothing needs the flag cleared.
        let mut plain = Container::new("true");
        plain.namespace(Namespace::User).before_go(|_| assert_eq!(dumpable(), 1));
        assert!(plain.status().expect("start").success());
    });
}

/// As above, for a user whose program takes another ID of its user namespace.
#[test]
fn c18_the_flag_is_cleared_at_the_release_for_other_ids() {
    ns_testbed::run_as!([Root], {
        if !has_newuidmap() {
            ns_testbed::skip!("no newuidmap");
        }
        let _etc = delegated();
        as_user(|| {
            let mut container = mapped_by_helpers();
            container.uid(1).before_go(|_| assert_eq!(dumpable(), 0, "the maps are written"));
            assert!(container.status().expect("start").success());
        });
    });
}
