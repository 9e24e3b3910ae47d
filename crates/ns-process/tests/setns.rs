//! A closure in the namespaces of another process.

mod common;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use common::alone;
use common::target::Target;
use ns_process::{
    Container, Errno, Namespace, Step, namespace_of, setns, setns_fds, setns_process,
    setns_process_fds,
};
use ns_testbed::Leftovers;

const OF_THREADS: [Namespace; 5] =
    [Namespace::Cgroup, Namespace::Ipc, Namespace::Mnt, Namespace::Net, Namespace::Uts];

/// In the caller's own user namespace, which no thread could enter.
fn target() -> Target {
    let mut container = Container::new("sleep");
    container.arg("1000").all().without(Namespace::Time).without(Namespace::User);
    Target::new(container.mount_proc().hostname("box"))
}

/// None of a thread that is just ending.
fn try_links(process: &Path) -> Option<Vec<String>> {
    let link = |kind: Namespace| fs::read_link(process.join("ns").join(kind.name())).ok();
    Namespace::ALL.into_iter().map(|kind| Some(link(kind)?.display().to_string())).collect()
}

fn links(process: impl AsRef<Path>) -> Vec<String> {
    try_links(process.as_ref()).expect("links")
}

/// The namespaces of each thread of the caller.
fn own_links() -> Vec<Vec<String>> {
    let tasks = fs::read_dir("/proc/self/task").expect("list");
    tasks.filter_map(|task| try_links(&task.expect("an entry").path())).collect()
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_str().expect("text").to_owned()
}

/// All kinds that a thread can enter, the value handed back, and the caller where it was.
#[test]
fn s5_scoped_setns() {
    ns_testbed::run_as!([Root, Nested], {
        let target = target();
        let theirs = links(format!("/proc/{}", target.pid()));
        let before = (own_links(), hostname(), std::env::current_dir().expect("a directory"));
        assert_ne!(before.1, "box");
        let fd = Leftovers::snapshot();
        let inside = setns(&*target, OF_THREADS).expect("a target");
        for _ in 0..3 {
            // Its proc is that of the target's pid namespace, which does not know the thread.
            let seen =
                inside.run(|| (hostname(), fs::read_to_string("/proc/1/comm"))).expect("run");
            assert_eq!((seen.0.as_str(), seen.1.expect("comm").trim()), ("box", "sleep"));
        }
        drop(inside);
        fd.assert_unchanged();
        for kind in OF_THREADS.into_iter().filter(|kind| *kind != Namespace::Mnt) {
            let seen = setns(&*target, [kind]).expect("a target");
            let seen = seen.run(|| links("/proc/thread-self")).expect("run");
            let at = Namespace::ALL.iter().position(|known| *known == kind).expect("one of them");
            assert_eq!(seen[at], theirs[at], "{kind}");
            assert_eq!(seen.iter().zip(&before.0[0]).filter(|(a, b)| a != b).count(), 1, "{kind}");
        }
        assert_eq!(
            (own_links(), hostname(), std::env::current_dir().expect("a directory")),
            before
        );
    });
}

/// By number, text, descriptor and names; borrowed values; and those that the caller shares left out.
#[test]
fn s5_whatever_names_a_target() {
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

/// Those that no thread can enter are refused, with what else is none.
#[test]
fn s5_what_no_thread_enters() {
    ns_testbed::run_as!([Root, User], {
        for kind in [Namespace::User, Namespace::Pid, Namespace::Time] {
            let error =
                setns(std::process::id(), [Namespace::Uts, kind]).expect_err("of processes");
            assert_eq!(error.step(), Step::Check);
            assert!(error.to_string().contains(kind.name()), "{error}");
        }
        let none: [Namespace; 0] = [];
        assert_eq!(setns(1, none).expect_err("none").step(), Step::Check);
        assert_eq!(setns(1, ["nonsense"]).expect_err("no kind").step(), Step::Check);
        assert_eq!(setns("x", ["uts"]).expect_err("no number").step(), Step::Check);
        let uts = || namespace_of(std::process::id(), Namespace::Uts).expect("own");
        assert_eq!(setns_fds([uts(), uts()]).expect_err("twice").step(), Step::Check);
    });
}

/// The caller's threads are where they were while closures run, after a failure, and after a panic, and
/// can start others.
#[test]
fn b08_b09_the_callers_threads_never_change() {
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
            let before = own_links();
            let others = || {
                let all = own_links();
                all.iter().filter(|links| **links == before[0]).count()
            };
            for _ in 0..50 {
                let (sent, received) = std::sync::mpsc::channel::<()>();
                scope.spawn(move || {
                    inside.run(move || received.recv()).expect("run").expect("sent");
                });
                assert!(others() >= 10, "{} of {}", others(), before.len());
                sent.send(()).expect("send");
                assert_eq!(
                    scope.spawn(|| links("/proc/thread-self")).join().ok().as_ref(),
                    before.first()
                );
            }
            stop.store(true, Ordering::Relaxed);
            for thread in busy {
                thread.join().expect("a thread");
            }
        });
        let panic = catch_unwind(|| inside.run(|| panic!("inside"))).expect_err("it goes on");
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"inside"));
        let own = own_links();
        assert!(own.iter().all(|links| *links == own[0]), "{own:?}");
    });
}

/// A directory and mask of its own: what the closure changes is not the caller's.
#[test]
fn b09_directory_and_mask_stay() {
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

/// Without privilege a typed error, of a closure that did not run, with nothing left.
#[test]
fn s5_refused_without_privilege() {
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
        common::assert_unchanged(&before);
    });
}

/// Two targets in one, one of which belongs to an inner user namespace.
#[test]
fn s5_of_an_inner_user_namespace() {
    ns_testbed::run_as!([Root, Nested], {
        let own = target();
        let mut inner = Container::new("sleep");
        let inner = Target::new(inner.arg("1000").namespaces(["user", "uts"]).map_zero());
        let uts = namespace_of(&*inner, Namespace::Uts).expect("a namespace");
        let net = namespace_of(&*own, Namespace::Net).expect("a namespace");
        let seen = setns_fds([net, uts]).expect("two").run(|| links("/proc/thread-self"));
        let seen = seen.expect("run");
        assert_eq!(seen[3], links(format!("/proc/{}", own.pid()))[3]);
        assert_eq!(seen[7], links(format!("/proc/{}", inner.pid()))[7]);
    });
}

/// A target that has ended since.
#[test]
fn c07_the_target_is_gone() {
    ns_testbed::run_as!([Root, Nested], {
        let target = target();
        let inside = setns(target.pid(), [Namespace::Uts]).expect("a target");
        target.kill().expect("kill");
        target.join().expect("join");
        let error = inside.run(hostname).expect_err("it has ended");
        assert_eq!((error.step(), error.errno()), (Step::TargetGone, Some(Errno::SRCH)), "{error}");
        assert!(error.to_string().contains(&target.pid().to_string()), "{error}");
        let error =
            setns(&*target, ["uts"]).expect("held").run(hostname).expect_err("it has ended");
        assert_eq!(error.step(), Step::TargetGone);
    });
}

/// As many bytes as the pipe between cannot hold, from all namespaces of a process.
#[test]
fn s5_in_a_helper_child() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let mut all = Container::new("sleep");
            let target = Target::new(all.arg("1000").all().map_zero().mount_proc().hostname("box"));
            let theirs = links(format!("/proc/{}", target.pid()));
            let before = Leftovers::snapshot();
            let own = own_links();
            let inside = setns_process(&*target, Namespace::ALL).expect("a target");
            let seen = inside.run(|| links("/proc/self").join("\n").into_bytes()).expect("run");
            assert_eq!(String::from_utf8(seen).expect("text").lines().collect::<Vec<_>>(), theirs);
            let seen = inside.run(|| hostname().into_bytes()).expect("run");
            assert_eq!(seen, b"box");
            assert_eq!(inside.run(|| vec![7; 1 << 20]).expect("run"), vec![7; 1 << 20]);
            assert_eq!(inside.run(Vec::new).expect("run"), b"");
            drop(inside);
            assert_eq!(own_links(), own);
            common::assert_unchanged(&before);
        });
    });
}

/// By descriptors, without a process in there.
#[test]
fn s5_in_a_helper_child_by_descriptors() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let mut both = Container::new("sleep");
            let target = Target::new(both.arg("1000").namespaces(["user", "uts"]).map_zero());
            let held = [Namespace::User, Namespace::Uts];
            let held = held.map(|kind| namespace_of(&*target, kind).expect("a namespace"));
            let theirs = links(format!("/proc/{}", target.pid()));
            drop(target);
            let inside = setns_process_fds(held).expect("two");
            let seen = inside.run(|| links("/proc/self").join("\n").into_bytes()).expect("run");
            let seen = String::from_utf8(seen).expect("text");
            assert_eq!(seen.lines().nth(6), Some(theirs[6].as_str()));
            assert_eq!(seen.lines().nth(7), Some(theirs[7].as_str()));
        });
    });
}

/// A closure without a value is an error, whatever its end; and so are threads.
#[test]
fn s5_a_helper_child_that_hands_back_nothing() {
    ns_testbed::run_as!([Root, User], {
        let target = Target::in_all();
        let inside = setns_process(&*target, [Namespace::User]).expect("a target");
        let error = inside.run(Vec::new).expect_err("threads");
        assert_eq!(error.step(), Step::MultiThreaded, "{error}");
        alone(|| {
            let null = fs::File::options().write(true).open("/dev/null").expect("open");
            rustix::stdio::dup2_stderr(null).expect("dup2");
            let before = Leftovers::snapshot();
            let told = |body: fn() -> Vec<u8>| {
                let error = inside.run(body).expect_err("no value");
                assert_eq!(error.step(), Step::Output, "{error}");
                error.to_string()
            };
            assert!(told(|| panic!("no value")).contains("101"));
            assert!(told(|| std::process::exit(0)).contains("exit status: 0"));
            assert!(told(|| std::process::abort()).contains("signal"));
            common::assert_unchanged(&before);
        });
        target.kill().expect("kill");
        target.join().expect("join");
        alone(|| {
            let error = inside.run(Vec::new).expect_err("it has ended");
            assert_eq!(error.step(), Step::TargetGone, "{error}");
        });
    });
}
