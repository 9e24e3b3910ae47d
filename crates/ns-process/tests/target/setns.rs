//! Closures in the namespaces of another process, by `setns` on a thread and by `setns_process` in a child.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::target::{Target, namespaces_of, sleep, try_namespaces_of};
use crate::common::{assert_unchanged, in_child};
use ns_process::{
    Errno, Namespace, Step, namespace_of, setns, setns_fds, setns_process, setns_process_fds,
};
use ns_testbed::Leftovers;

const OF_THREADS: [Namespace; 5] =
    [Namespace::Cgroup, Namespace::Ipc, Namespace::Mnt, Namespace::Net, Namespace::Uts];

/// A target in the user namespace of the caller, because a thread cannot join another user namespace.
fn target() -> Target {
    let mut container = sleep();
    container.all().without(Namespace::Time).without(Namespace::User);
    Target::new(container.mount_proc().hostname("box"))
}

/// The namespaces of the calling thread.
fn namespaces_of_thread() -> Vec<String> {
    namespaces_of("thread-self")
}

/// The namespaces of each thread of the caller that is not exiting.
fn namespaces_of_threads() -> Vec<Vec<String>> {
    let tasks = fs::read_dir("/proc/self/task").expect("list");
    let name = |task: fs::DirEntry| task.file_name().to_string_lossy().into_owned();
    tasks
        .filter_map(|task| {
            try_namespaces_of(format!("self/task/{}", name(task.expect("an entry"))))
        })
        .collect()
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_str().expect("text").to_owned()
}

/// A thread joins every kind that it can, the value is returned, and the caller does not change.
#[test]
fn s5_setns_runs_a_closure_in_each_kind() {
    ns_testbed::run_as!([Root, Nested], {
        let target = target();
        let theirs = namespaces_of(target.pid());
        let before =
            (namespaces_of_threads(), hostname(), std::env::current_dir().expect("a directory"));
        assert_ne!(before.1, "box");
        let leftovers = Leftovers::snapshot();
        let inside = setns(&*target, OF_THREADS).expect("a target");
        for _ in 0..3 {
            // The proc there belongs to the pid namespace of the target, which does not contain the thread.
            let seen =
                inside.run(|| (hostname(), fs::read_to_string("/proc/1/comm"))).expect("run");
            assert_eq!((seen.0.as_str(), seen.1.expect("comm").trim()), ("box", "sleep"));
        }
        drop(inside);
        leftovers.assert_unchanged();
        for kind in OF_THREADS.into_iter().filter(|kind| *kind != Namespace::Mnt) {
            let seen = setns(&*target, [kind]).expect("a target");
            let seen = seen.run(namespaces_of_thread).expect("run");
            let at = Namespace::ALL.iter().position(|known| *known == kind).expect("one of them");
            assert_eq!(seen[at], theirs[at], "{kind}");
            assert_eq!(seen.iter().zip(&before.0[0]).filter(|(a, b)| a != b).count(), 1, "{kind}");
        }
        assert_eq!(
            (namespaces_of_threads(), hostname(), std::env::current_dir().expect("a directory")),
            before
        );
    });
}

/// A target is given by process ID, text, descriptor or namespaces. A closure may borrow.
#[test]
fn s5_setns_accepts_each_form_of_target() {
    ns_testbed::run_as!([Root, Nested], {
        let target = target();
        let pid = target.pid();
        let seen = |setns: Result<ns_process::Setns, ns_process::Error>| {
            setns.expect("a target").run(hostname).expect("run")
        };
        assert_eq!(seen(setns(pid, ["uts"])), "box");
        assert_eq!(seen(setns(pid.to_string().as_str(), ["newuts", "net"])), "box");
        assert_eq!(seen(setns(ns_sys::pidfd_open(pid).expect("pidfd"), [Namespace::Uts])), "box");
        let held = namespace_of(pid, Namespace::Uts).expect("a namespace");
        assert_eq!(seen(setns_fds([held])), "box");
        let mut kept = vec![hostname()];
        setns(pid, ["uts"]).expect("a target").run(|| kept.push(hostname())).expect("run");
        assert_eq!(kept[1], "box");
        assert_eq!(seen(setns(std::process::id(), OF_THREADS)), kept[0]);
    });
}

/// Kinds that a thread cannot join are refused, and so are invalid selections and targets.
#[test]
fn s5_setns_refuses_kinds_of_processes() {
    ns_testbed::run_as!([Root, User], {
        for kind in [Namespace::User, Namespace::Pid, Namespace::Time] {
            let error =
                setns(std::process::id(), [Namespace::Uts, kind]).expect_err("a kind of processes");
            assert_eq!(error.step(), Step::Check);
            assert!(error.to_string().contains(kind.name()), "{error}");
        }
        let none: [Namespace; 0] = [];
        assert_eq!(setns(1, none).expect_err("none").step(), Step::Check);
        assert_eq!(setns(1, ["nonsense"]).expect_err("no kind").step(), Step::Check);
        assert_eq!(setns("x", ["uts"]).expect_err("no process ID").step(), Step::Check);
        let uts = || namespace_of(std::process::id(), Namespace::Uts).expect("own");
        assert_eq!(setns_fds([uts(), uts()]).expect_err("twice").step(), Step::Check);
    });
}

/// The namespaces of the other threads do not change while closures run, nor after a panic.
#[test]
fn b08_b09_setns_does_not_change_other_threads() {
    ns_testbed::run_as!([Root, Nested], {
        let target = target();
        let inside = setns(&*target, OF_THREADS).expect("a target");
        let inside = &inside;
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let busy = [(); 8].map(|()| {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        std::hint::black_box(vec![1_u8; 100]);
                    }
                })
            });
            let before = namespaces_of_threads();
            let others = || {
                let all = namespaces_of_threads();
                all.iter().filter(|links| **links == before[0]).count()
            };
            for _ in 0..50 {
                let (sent, received) = std::sync::mpsc::channel::<()>();
                scope.spawn(move || {
                    inside.run(move || received.recv()).expect("run").expect("sent");
                });
                assert!(others() >= 10, "{} of {}", others(), before.len());
                sent.send(()).expect("send");
                assert_eq!(scope.spawn(namespaces_of_thread).join().ok().as_ref(), before.first());
            }
            stop.store(true, Ordering::Relaxed);
            for thread in busy {
                thread.join().expect("a thread");
            }
        });
        let panic =
            catch_unwind(|| inside.run(|| panic!("inside"))).expect_err("the panic continues");
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"inside"));
        let own = namespaces_of_threads();
        assert!(own.iter().all(|links| *links == own[0]), "{own:?}");
    });
}

/// The closure has its own working directory and umask.
#[test]
fn b09_setns_keeps_working_directory_and_umask() {
    ns_testbed::run_as!([Root, Nested], {
        let target = target();
        let umask = || {
            let status = fs::read_to_string("/proc/self/status").expect("status");
            status.lines().find(|line| line.starts_with("Umask")).expect("a line").to_owned()
        };
        let before = (std::env::current_dir().expect("a directory"), umask());
        let changed = setns(&*target, [Namespace::Uts]).expect("a target").run(|| {
            std::env::set_current_dir("/usr").expect("chdir");
            rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o123));
            std::env::current_dir().expect("a directory")
        });
        assert_eq!(changed.expect("run"), Path::new("/usr"));
        assert_eq!((std::env::current_dir().expect("a directory"), umask()), before);
    });
}

/// Without privilege setns fails, the closure does not run, and nothing is left.
#[test]
fn s5_setns_without_privilege_is_refused() {
    ns_testbed::run_as!([User], {
        let target = Target::in_all();
        let before = Leftovers::snapshot();
        let ran = AtomicBool::new(false);
        let inside = setns(&*target, [Namespace::Uts, Namespace::Net]).expect("a target");
        let error = inside.run(|| ran.store(true, Ordering::Relaxed)).expect_err("no privilege");
        assert_eq!((error.step(), error.errno()), (Step::Join, Some(Errno::PERM)), "{error}");
        assert!(error.to_string().contains("net,uts"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("user namespace")), "{error}");
        drop(inside);
        assert!(!ran.load(Ordering::Relaxed));
        assert_unchanged(&before);
    });
}

/// Namespaces of two targets, one of which is owned by an inner user namespace.
#[test]
fn s5_setns_joins_namespaces_of_two_owners() {
    ns_testbed::run_as!([Root, Nested], {
        let own = target();
        let inner = Target::new(sleep().namespaces(["user", "uts"]).map_zero());
        let uts = namespace_of(&*inner, Namespace::Uts).expect("a namespace");
        let net = namespace_of(&*own, Namespace::Net).expect("a namespace");
        let seen = setns_fds([net, uts]).expect("two").run(namespaces_of_thread);
        let seen = seen.expect("run");
        assert_eq!(seen[3], namespaces_of(own.pid())[3]);
        assert_eq!(seen[7], namespaces_of(inner.pid())[7]);
    });
}

/// The target has exited before the closure runs.
#[test]
fn c07_setns_reports_a_target_that_has_exited() {
    ns_testbed::run_as!([Root, Nested], {
        let target = target();
        let inside = setns(target.pid(), [Namespace::Uts]).expect("a target");
        target.kill().expect("kill");
        target.join().expect("join");
        let error = inside.run(hostname).expect_err("it has exited");
        assert_eq!((error.step(), error.errno()), (Step::TargetGone, Some(Errno::SRCH)), "{error}");
        assert!(error.to_string().contains(&target.pid().to_string()), "{error}");
        let error =
            setns(&*target, ["uts"]).expect("held").run(hostname).expect_err("it has exited");
        assert_eq!(error.step(), Step::TargetGone);
    });
}

/// `setns_process` joins all namespaces and returns more bytes than a pipe holds.
#[test]
fn s5_setns_process_returns_the_value() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let target = Target::new(sleep().all().map_zero().mount_proc().hostname("box"));
            let theirs = namespaces_of(target.pid());
            let before = Leftovers::snapshot();
            let own = namespaces_of_threads();
            let inside = setns_process(&*target, Namespace::ALL).expect("a target");
            let seen = inside.run(|| namespaces_of("self").join("\n").into_bytes()).expect("run");
            assert_eq!(String::from_utf8(seen).expect("text").lines().collect::<Vec<_>>(), theirs);
            let seen = inside.run(|| hostname().into_bytes()).expect("run");
            assert_eq!(seen, b"box");
            assert_eq!(inside.run(|| vec![7; 1 << 20]).expect("run"), vec![7; 1 << 20]);
            assert_eq!(inside.run(Vec::new).expect("run"), b"");
            drop(inside);
            assert_eq!(namespaces_of_threads(), own);
            assert_unchanged(&before);
        });
    });
}

/// `setns_process_fds` joins namespaces without a process in them.
#[test]
fn s5_setns_process_accepts_descriptors() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let target = Target::new(sleep().namespaces(["user", "uts"]).map_zero());
            let held = [Namespace::User, Namespace::Uts];
            let held = held.map(|kind| namespace_of(&*target, kind).expect("a namespace"));
            let theirs = namespaces_of(target.pid());
            drop(target);
            let inside = setns_process_fds(held).expect("two");
            let seen = inside.run(|| namespaces_of("self").join("\n").into_bytes()).expect("run");
            let seen = String::from_utf8(seen).expect("text");
            assert_eq!(seen.lines().nth(6), Some(theirs[6].as_str()));
            assert_eq!(seen.lines().nth(7), Some(theirs[7].as_str()));
        });
    });
}

/// A closure that returns no value is an error, and so is a caller with threads.
#[test]
fn s5_setns_process_without_a_value_is_an_error() {
    ns_testbed::run_as!([Root, User], {
        let target = Target::in_all();
        let inside = setns_process(&*target, [Namespace::User]).expect("a target");
        let error = inside.run(Vec::new).expect_err("threads");
        assert_eq!(error.step(), Step::MultiThreaded, "{error}");
        in_child(|| {
            let null = fs::File::options().write(true).open("/dev/null").expect("open");
            rustix::stdio::dup2_stderr(null).expect("dup2");
            let before = Leftovers::snapshot();
            let error_of = |body: fn() -> Vec<u8>| {
                let error = inside.run(body).expect_err("no value");
                assert_eq!(error.step(), Step::Output, "{error}");
                error.to_string()
            };
            assert!(error_of(|| panic!("no value")).contains("101"));
            assert!(error_of(|| std::process::exit(0)).contains("exit status: 0"));
            assert!(error_of(|| std::process::abort()).contains("signal"));
            assert_unchanged(&before);
        });
        target.kill().expect("kill");
        target.join().expect("join");
        in_child(|| {
            let error = inside.run(Vec::new).expect_err("it has exited");
            assert_eq!(error.step(), Step::TargetGone, "{error}");
        });
    });
}
