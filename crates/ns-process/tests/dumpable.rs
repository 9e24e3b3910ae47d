//! The dumpable flag: one for the process, and starts that need it in different ways.
#![allow(unsafe_code, reason = "the flag of this process, and forks beside starts")]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::mapped::{as_user, delegated};
use common::target::Target;
use common::{eventually, shell};
use ns_process::{
    CapabilitySet, CloneFlags, Container, Errno, Init, Inject, Memory, Namespace, Stdio, Step,
    reap, set_dumpable,
};
use ns_testbed::{Leftovers, USER, forked, observed};

fn in_full() -> bool {
    std::env::var_os("NS_PROVE").is_some()
}

/// How long a start may take beside others; more on a machine that may be busy otherwise.
fn limit() -> Duration {
    Duration::from_secs(if in_full() { 1 } else { 20 })
}

fn flag() -> i32 {
    // SAFETY: takes numbers only.
    unsafe { libc::prctl(libc::PR_GET_DUMPABLE) }
}

fn mapped() -> Container {
    let mut container = Container::new("true");
    container.namespace(Namespace::User).map_zero().start_timeout(limit());
    container
}

/// With the user's own ids and delegated ones, whose maps helpers write.
fn beside_own_id() -> Container {
    let map = format!("0 {USER} 1,1 100000 10");
    let mut container = Container::new("true");
    container.namespace(Namespace::User).start_timeout(limit());
    container.uid_map(map.parse().expect("map")).gid_map(map.parse().expect("map"));
    container
}

fn entered() -> Target {
    Target::new(Container::new("sleep").arg("1000").namespaces(["user", "net"]).map_zero())
}

/// Runs `body` beside threads that inject without a pause.
fn beside_injects(target: &Target, threads: u32, body: impl FnOnce()) {
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

/// Starts `container` many times; gives the longest time.
fn many(container: &Container) -> Duration {
    let rounds = if in_full() { 1000 } else { 50 };
    let times = (0..rounds).map(|_| {
        let begin = Instant::now();
        let process = container.start().expect("start");
        let time = begin.elapsed();
        assert!(process.join().expect("join").success());
        time
    });
    let longest = times.max().expect("some");
    println!("shown: {rounds} starts beside 8 injecting threads, the longest {longest:?}");
    longest
}

/// Starts that keep the flag are not starved by those that clear it.
#[test]
fn f35_mapped_starts_beside_injects() {
    ns_testbed::run_as!([User], {
        let target = entered();
        let before = Leftovers::snapshot();
        beside_injects(&target, 8, || assert!(many(&mapped()) < limit()));
        assert_eq!(flag(), 1);
        eventually("all is reaped", || reap() == 0);
        common::assert_unchanged(&before);
    });
}

/// The same with maps that helpers write, which are planned while the flag is cleared.
#[test]
fn f35_delegated_starts_beside_injects() {
    ns_testbed::run_as!([Root], {
        if !std::path::Path::new("/usr/bin/newuidmap").exists() {
            ns_testbed::skip!("no newuidmap");
        }
        let _etc = delegated();
        as_user(|| {
            let target = entered();
            let container = beside_own_id();
            beside_injects(&target, 8, || assert!(many(&container) < limit()));
        });
    });
}

/// A start in a hook of a start that holds the flag otherwise, on the same thread and on another that the hook
/// waits for.
#[test]
fn f35_a_start_in_a_hook() {
    ns_testbed::run_as!([User], {
        let target = entered();
        let begin = Instant::now();
        let mut inject = Inject::new(&*target, "true");
        inject.before_go(|_| assert!(mapped().status().expect("nested").success()));
        inject.before_go(|_| {
            let other = thread::spawn(|| mapped().status().expect("of the thread").success());
            assert!(other.join().expect("the thread"));
        });
        inject.before_go(|_| {
            // What needs the flag as it is does not wait for anybody.
            assert_eq!(flag(), 0);
            let nested = Inject::new(std::process::id(), "true").status();
            assert!(nested.expect("nested").success());
        });
        assert!(inject.status().expect("outer").success());
        let time = begin.elapsed();
        println!("shown: starts in three hooks of a start took {time:?}");
        assert!(time < limit(), "{time:?}");
        assert_eq!(flag(), 1);
    });
}

/// A start that is held up keeps the flag, and no other start waits for it.
#[test]
fn f35_beside_a_start_that_is_held_up() {
    ns_testbed::run_as!([User], {
        let target = entered();
        thread::scope(|scope| {
            let (sender, receiver) = std::sync::mpsc::channel();
            let (release, held) = std::sync::mpsc::channel::<()>();
            scope.spawn(|| {
                let mut inject = Inject::new(&*target, "true");
                let ends = std::sync::Mutex::new((sender, held));
                inject.before_go(move |_| {
                    let (sender, held) = &*ends.lock().expect("free");
                    sender.send(()).expect("send");
                    // Until the other one is gone.
                    let _ = held.recv();
                });
                assert!(inject.status().expect("inject").success());
            });
            receiver.recv().expect("in the hook");
            assert!(mapped().status().expect("start").success());
            // With what cannot be copied it says so, and does not wait for ever.
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
        assert_eq!(flag(), 1);
    });
}

/// One capability is not enough to write files of root's.
#[test]
fn f36_a_caller_with_one_capability() {
    ns_testbed::run_as!([Root], {
        let mut caller = common::act("f36_the_caller");
        caller.uid(USER).gid(USER).keep_capabilities(CapabilitySet::NET_BIND_SERVICE);
        let output = caller.stdout(Stdio::piped()).output().expect("start");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    });
}

/// Not a test: the caller of the one above.
#[test]
fn f36_the_caller() {
    if std::env::var_os(common::ACT).is_none() {
        return;
    }
    let plan = mapped().plan().expect("plan").describe().to_string();
    assert!(plan.starts_with("memory: copied"), "{plan}");
    let script = "id -u; cat /proc/self/uid_map | tr -s ' '";
    let mut container = shell(script);
    container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
    let output = container.output().expect("start");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("0\n 0 {USER} 1\n"));
    let error = mapped().flags(CloneFlags::SYSVSEM).start().expect_err("not across a copy");
    assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::BUSY)), "{error}");
    assert!(mapped().init(Init::builtin()).namespace(Namespace::Pid).status().is_ok());
    assert_eq!(flag(), 1);
}

/// To join what the caller is in already joins nothing, and takes nothing from a start that writes maps.
#[test]
fn f36_ones_own_namespace_is_joined() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = mapped();
        container.namespace_file(Namespace::Net, "/proc/self/ns/net");
        assert!(container.status().expect("start").success());
        assert_eq!(flag(), 1);
    });
}

/// What the program sets while starts clear the flag is not undone.
#[test]
fn f41_the_programs_own_flag() {
    ns_testbed::run_as!([Root, User], {
        let rounds = if in_full() { 200 } else { 20 };
        let target = entered();
        for round in 0..rounds {
            set_dumpable(true).expect("set");
            beside_injects(&target, 2, || {
                thread::sleep(Duration::from_micros(2000 + round * 37 % 2000));
                set_dumpable(false).expect("clear");
                assert_eq!(flag(), 0);
                thread::sleep(Duration::from_millis(3));
            });
            assert_eq!(flag(), 0, "undone in round {round}");
        }
        println!("shown: PR_SET_DUMPABLE 0 undone in 0 of {rounds} rounds");
        set_dumpable(true).expect("set");
        assert_eq!(flag(), 1);
    });
}

/// A program that stays undumpable writes no maps without privilege, and is told why. With privilege it does.
#[test]
fn f41_a_program_that_stays_undumpable() {
    ns_testbed::run_as!([Root, User], {
        set_dumpable(false).expect("clear");
        let started = mapped().status();
        if rustix::process::geteuid().is_root() {
            assert!(started.expect("start").success());
        } else {
            let error = started.expect_err("the files are root's");
            assert_eq!((error.step(), error.errno()), (Step::UidMap, Some(Errno::ACCESS)));
            assert!(error.to_string().contains("dumpable"), "{error}");
        }
        assert_eq!(flag(), 0);
        set_dumpable(true).expect("set");
    });
}

/// Another thread that clears the flag while a copy is prepared does not make it fail: the copy is prepared anew.
#[test]
fn f41_the_flag_changes_before_a_copy() {
    ns_testbed::run_as!([Root, User], {
        let ways: &[&[Namespace]] = &[&[], &[Namespace::User, Namespace::Pid]];
        for (namespaces, call) in ways.iter().flat_map(|way| (0..6).map(move |call| (way, call))) {
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

/// Of a caller with privilege the flag is cleared where others could trace the child that could not trace the
/// caller.
#[test]
fn c18_of_a_caller_with_privilege() {
    ns_testbed::run_as!([Root], {
        let seen = |container: &mut Container, expected| {
            container.before_go(move |_| assert_eq!(flag(), expected));
            assert!(container.status().expect("start").success());
            assert_eq!(flag(), 1);
        };
        seen(&mut Container::new("true"), 1);
        seen(Container::new("true").namespaces([Namespace::Mnt, Namespace::Net]), 1);
        seen(Container::new("true").namespace(Namespace::User).map_zero(), 0);
        seen(Container::new("true").drop_capabilities(CapabilitySet::all()), 0);
        seen(Container::new("true").uid(USER).gid(USER), 0);
        seen(Container::new("true").namespace(Namespace::Pid).init(Init::builtin()), 0);
    });
}

/// A child that has an init clears the flag from go on, and it is set again.
#[test]
fn c18_cleared_at_go() {
    ns_testbed::run_as!([User], {
        let seen = |container: &mut Container| {
            container.before_go(|_| assert_eq!(flag(), 0, "the maps are written"));
            assert!(container.status().expect("start").success());
            assert_eq!(flag(), 1);
        };
        seen(mapped().namespace(Namespace::Pid).init(Init::builtin()));
        // Without a map of its own there is nothing that needs the flag.
        let mut plain = Container::new("true");
        plain.namespace(Namespace::User).before_go(|_| assert_eq!(flag(), 1));
        assert!(plain.status().expect("start").success());
    });
}

/// As the user who becomes another one of his namespace.
#[test]
fn c18_cleared_at_go_for_other_ids() {
    ns_testbed::run_as!([Root], {
        if !std::path::Path::new("/usr/bin/newuidmap").exists() {
            ns_testbed::skip!("no newuidmap");
        }
        let _etc = delegated();
        as_user(|| {
            let mut container = beside_own_id();
            container.uid(1).before_go(|_| assert_eq!(flag(), 0, "the maps are written"));
            assert!(container.status().expect("start").success());
        });
    });
}
