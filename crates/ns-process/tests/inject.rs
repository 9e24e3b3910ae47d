//! Programs in the namespaces of others.

mod common;

use std::fs;
use std::os::fd::OwnedFd;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::shell;
use common::target::Target;
use ns_process::{Clock, Container, Errno, Inject, Memory, Namespace, Step};
use ns_testbed::LONG;

/// Prints the eight links of the namespaces that it is in.
const LINKS: &str = "for kind in cgroup ipc mnt net pid time user uts; do \
                     readlink /proc/self/ns/$kind; done";

fn all() -> Container {
    let mut container = Container::new("sleep");
    container.arg("1000").all().without(Namespace::Time).map_zero().mount_proc();
    container
}

fn links_of(pid: u32) -> Vec<String> {
    let link = |kind: Namespace| fs::read_link(format!("/proc/{pid}/ns/{}", kind.name()));
    Namespace::ALL.map(|kind| link(kind).expect("a link").display().to_string()).to_vec()
}

fn printed(inject: &Inject) -> Vec<String> {
    let output = inject.output().expect("start");
    String::from_utf8(output.stdout).expect("text").lines().map(ToOwned::to_owned).collect()
}

fn script(inject: &mut Inject) -> &mut Inject {
    inject.args(["-c", LINKS])
}

/// None selected is all of them, by pid, by handle and by descriptor.
#[test]
fn s5_none_selected_is_all() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::in_all();
        let links = links_of(target.pid());
        let pidfd: OwnedFd = ns_sys::pidfd_open(target.pid()).expect("pidfd");
        assert_eq!(printed(script(&mut Inject::new(&*target, "sh"))), links);
        assert_eq!(printed(script(&mut Inject::new(target.pid(), "sh"))), links);
        assert_eq!(printed(script(&mut Inject::new(pidfd, "sh"))), links);
        let text = target.pid().to_string();
        assert_eq!(printed(script(&mut Inject::new(text.as_str(), "sh"))), links);
    });
}

/// A target in the caller's own user namespace: that one is left out.
#[test]
fn c02_in_the_callers_user_namespace() {
    ns_testbed::run_as!([Root], {
        let mut all = Container::new("sleep");
        all.arg("1000").all().without(Namespace::Time).without(Namespace::User).mount_proc();
        let target = Target::new(&all);
        assert_eq!(printed(script(&mut Inject::new(&*target, "sh"))), links_of(target.pid()));
    });
}

/// The program is the caller's child, in the target's pid namespace.
#[test]
fn c05_a_child_of_the_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::in_all();
        let output = Inject::new(&*target, "sh").args(["-c", "echo $PPID $$"]).output();
        let output = output.expect("start");
        let text = String::from_utf8(output.stdout).expect("text");
        let (parent, own) = text.trim().split_once(' ').expect("two");
        assert_eq!(parent, "0");
        assert_ne!(own, "1");
        let process = Inject::new(&*target, "sh").args(["-c", "exit 7"]).start().expect("start");
        assert!(fs::read_to_string(format!("/proc/{}/stat", process.pid())).is_ok());
        assert_eq!(process.join().expect("join").code(), Some(7));
    });
}

/// A target that has ended, or never was.
#[test]
fn c07_no_target() {
    ns_testbed::run_as!([Root, User], {
        let target = all().start().expect("start");
        target.kill().expect("kill");
        target.join().expect("join");
        let error = Inject::new(&target, "true").start().expect_err("it has ended");
        assert_eq!((error.step(), error.errno()), (Step::TargetGone, Some(Errno::SRCH)));
        let error = Inject::new("1x", "true").start().expect_err("no number");
        assert_eq!(error.step(), Step::Check);
        let error = shell("true").namespace_file(Namespace::Uts, "/proc/self/ns/ipc").start();
        let error = error.expect_err("another kind");
        assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::INVAL)));
        assert!(error.to_string().contains("ipc"), "{error}");
    });
}

/// A time namespace is entered by way of a copy of memory.
#[test]
fn s5_time() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut all = Container::new("sleep");
        all.arg("1000").all().map_zero().mount_proc().time_offset(Clock::Boottime, 1000, 0);
        let target = Target::new(&all);
        assert_eq!(printed(script(&mut Inject::new(&*target, "sh"))), links_of(target.pid()));
        let mut time = Inject::new(&*target, "sh");
        time.namespaces([Namespace::User, Namespace::Time]);
        let seen = printed(script(&mut time));
        assert_eq!(seen[5..7], links_of(target.pid())[5..7]);
    });
}

/// Memory that is copied gives the same.
#[test]
fn copied_memory_gives_the_same() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = shell("cat /proc/self/uid_map; exit 5");
        container.all().map_zero().mount_proc().time_offset(Clock::Boottime, 1000, 0);
        let shared = container.output().expect("start");
        let copied = container.memory(Memory::Copied).output().expect("start");
        assert_eq!(shared, copied);
        let error = Container::new("/nope").memory(Memory::Copied).start().expect_err("nothing");
        assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
    });
}

/// Each selection is entered, and nothing besides; a caller without privilege needs the user namespace
/// among them, and is told so.
#[test]
fn c01_every_selection() {
    ns_testbed::run_as!([Root, User], {
        let mut all = Container::new("sleep");
        let target = Target::new(all.arg("1000").all().map_zero());
        let theirs = links_of(target.pid());
        let own = links_of(std::process::id());
        let privileged = rustix::process::geteuid().is_root();
        let full = std::env::var_os("NS_PROVE").is_some();
        let (mut entered, mut refused) = (0, 0);
        for number in (1..256).filter(|number| full || number % 5 == 0) {
            let selected = |at: usize| number >> at & 1 == 1;
            let kinds = (0..8).filter(|at| selected(*at)).map(|at| Namespace::ALL[at]);
            let kinds: Vec<_> = kinds.collect();
            let mut inject = Inject::new(&*target, "sh");
            script(&mut inject).namespaces(kinds.iter().copied());
            if privileged || kinds.contains(&Namespace::User) {
                let wanted = |at| if selected(at) { &theirs[at] } else { &own[at] };
                let wanted: Vec<_> = (0..8).map(|at| wanted(at).clone()).collect();
                assert_eq!(printed(&inject), wanted, "{kinds:?}");
                entered += 1;
            } else {
                let error = inject.start().expect_err("no privilege");
                assert_eq!((error.step(), error.errno()), (Step::Join, Some(Errno::PERM)));
                assert!(
                    error.hint().is_some_and(|hint| hint.contains("user namespace")),
                    "{error}"
                );
                refused += 1;
            }
        }
        println!("shown: {entered} selections entered, {refused} refused with EPERM");
    });
}

/// A user namespace, and a network namespace that belongs to another one.
#[test]
fn c01_owners_that_differ() {
    ns_testbed::run_as!([Root], {
        let mut net = Container::new("sleep");
        let net = Target::new(net.arg("1000").namespace(Namespace::Net));
        let mut both = Container::new("sleep");
        both.arg("1000").namespaces([Namespace::User, Namespace::Uts]).map_zero();
        let path = format!("/proc/{}/ns/net", net.pid());
        both.namespace_file(Namespace::Net, path);
        let target = Target::new(&both);
        let seen = links_of(target.pid());
        assert_eq!(seen[3], links_of(net.pid())[3]);
        assert_eq!(printed(script(&mut Inject::new(&*target, "sh"))), seen);
    });
}

/// Some namespaces of others, some new ones; two user namespaces are one too many.
#[test]
fn f31_join_some_make_others() {
    ns_testbed::run_as!([Root, Nested], {
        let mut net = Container::new("sleep");
        let net = Target::new(net.arg("1000").namespace(Namespace::Net));
        let file = fs::File::open(format!("/proc/{}/ns/net", net.pid())).expect("open");
        let mut container = Container::new("sh");
        container.args(["-c", LINKS]).join_namespace(Namespace::Net, file);
        container.namespaces([Namespace::User, Namespace::Mnt, Namespace::Pid]).map_zero();
        let output = container.mount_proc().output().expect("start");
        let seen = String::from_utf8(output.stdout).expect("text");
        let seen: Vec<_> = seen.lines().collect();
        assert_eq!(seen[3], links_of(net.pid())[3]);
        let own = links_of(std::process::id());
        assert!([2, 4, 6].iter().all(|at| seen[*at] != own[*at]));
        container.namespace_file(Namespace::User, "/proc/self/ns/user");
        let error = container.start().expect_err("two");
        assert_eq!(error.step(), Step::Check);
        assert!(error.to_string().contains("user"), "{error}");
    });
}

/// Killed at any moment, the target is gone or was entered; nothing hangs, and its pid 1 is not kept.
#[test]
fn c07_killed_in_the_middle() {
    ns_testbed::run_as!([Root, User], {
        let rounds = if std::env::var_os("NS_PROVE").is_some() { 100 } else { 20 };
        let (mut gone, mut entered) = (0, 0);
        for round in 0..rounds {
            let target = all().start().expect("a target");
            let process = std::thread::scope(|scope| {
                scope.spawn(|| {
                    std::thread::sleep(Duration::from_micros(round * 2000 / rounds));
                    target.kill().expect("kill");
                });
                Inject::new(&target, "sleep").arg("1000").start()
            });
            match process {
                Ok(process) => {
                    drop(process);
                    entered += 1;
                }
                Err(error) => {
                    assert_eq!(error.step(), Step::TargetGone, "{error}");
                    gone += 1;
                }
            }
            let status = target.join_timeout(LONG).expect("join");
            assert!(status.is_some(), "kept by an unreaped process");
        }
        println!("shown: {rounds} targets killed in the middle: {gone} gone, {entered} entered");
    });
}

/// The process that was entered is reaped with its handle, so that it keeps no target.
#[test]
fn c17_dropped_is_reaped() {
    ns_testbed::run_as!([Root, User], {
        let target = all().start().expect("a target");
        let process = Inject::new(&target, "sleep").arg("1000").start().expect("start");
        target.kill().expect("kill");
        assert_eq!(target.join_timeout(Duration::from_millis(100)).expect("join"), None);
        drop(process);
        assert!(target.join_timeout(LONG).expect("join").is_some());
    });
}

/// So is a container's that is killed by the drop and shares a pid namespace.
#[test]
fn c17_a_container_dropped_is_reaped() {
    ns_testbed::run_as!([Root, Nested], {
        for _ in 0..20 {
            let mut first = Container::new("sleep");
            let target = first.arg("1000").namespace(Namespace::Pid).start().expect("a target");
            let mut beside = Container::new("sleep");
            let file = format!("/proc/{}/ns/pid", target.pid());
            beside.arg("1000").namespace_file(Namespace::Pid, file).kill_on_drop(true);
            drop(beside.start().expect("start"));
            target.kill().expect("kill");
            assert!(target.join_timeout(LONG).expect("join").is_some());
        }
    });
}

/// A caller with busy threads and much memory, whose own namespaces stay; the target's are all of them, a time
/// namespace too, which costs a copy of that memory.
#[test]
fn b09_from_a_busy_caller() {
    ns_testbed::run_as!([Root, User], {
        let mut all = Container::new("sleep");
        let target = Target::new(all.arg("1000").all().map_zero().mount_proc());
        let own = links_of(std::process::id());
        let bytes = if std::env::var_os("NS_PROVE").is_some() { 1 << 30 } else { 1 << 26 };
        let resident = std::hint::black_box(vec![1_u8; bytes]);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let busy = [(); 8].map(|()| {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        std::hint::black_box(vec![1_u8; 100]);
                    }
                })
            });
            for _ in 0..20 {
                let seen = printed(script(&mut Inject::new(&*target, "sh")));
                assert_eq!(seen, links_of(target.pid()));
            }
            stop.store(true, Ordering::Relaxed);
            for thread in busy {
                thread.join().expect("a thread");
            }
        });
        assert_eq!(links_of(std::process::id()), own);
        let megabytes = resident.len() >> 20;
        println!("shown: 8 namespaces entered 20 times from 8 busy threads and {megabytes} MB");
    });
}
