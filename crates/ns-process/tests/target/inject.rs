//! Programs in the namespaces of another process.

use std::fs;
use std::os::fd::OwnedFd;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::target::{PRINT_NAMESPACES, Target, namespaces_of, sleep};
use crate::common::{is_full_length, printed, rounds, shell};
use ns_process::{Clock, Container, Errno, Inject, Memory, Namespace, Step};
use ns_testbed::LONG;

/// A program that sleeps in new namespaces of every kind except time.
fn in_all() -> Container {
    let mut container = sleep();
    container.all().without(Namespace::Time).map_zero().mount_proc();
    container
}

/// The namespaces of the injected shell.
fn joined(inject: &mut Inject) -> Vec<String> {
    printed(inject.args(["-c", PRINT_NAMESPACES])).lines().map(ToOwned::to_owned).collect()
}

/// Without a selection all namespaces are joined, of a target given by process ID, handle or descriptor.
#[test]
fn s5_without_a_selection_all_are_joined() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::in_all();
        let theirs = namespaces_of(target.pid());
        let pidfd: OwnedFd = ns_sys::pidfd_open(target.pid()).expect("pidfd");
        assert_eq!(joined(&mut Inject::new(&*target, "sh")), theirs);
        assert_eq!(joined(&mut Inject::new(target.pid(), "sh")), theirs);
        assert_eq!(joined(&mut Inject::new(pidfd, "sh")), theirs);
        let text = target.pid().to_string();
        assert_eq!(joined(&mut Inject::new(text.as_str(), "sh")), theirs);
    });
}

/// The user namespace is not joined if it is that of the caller.
#[test]
fn c02_the_user_namespace_of_the_caller_is_not_joined() {
    ns_testbed::run_as!([Root], {
        let mut others = sleep();
        others.all().without(Namespace::Time).without(Namespace::User).mount_proc();
        let target = Target::new(&others);
        assert_eq!(joined(&mut Inject::new(&*target, "sh")), namespaces_of(target.pid()));
    });
}

/// The program is a child of the caller, in the pid namespace of the target.
#[test]
fn c05_the_program_is_a_child_of_the_caller() {
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

/// A target that has exited, an invalid process ID and a namespace of another kind are errors.
#[test]
fn c07_a_missing_target_is_an_error() {
    ns_testbed::run_as!([Root, User], {
        let target = in_all().start().expect("start");
        target.kill().expect("kill");
        target.join().expect("join");
        let error = Inject::new(&target, "true").start().expect_err("it has exited");
        assert_eq!((error.step(), error.errno()), (Step::TargetGone, Some(Errno::SRCH)));
        let error = Inject::new("1x", "true").start().expect_err("no process ID");
        assert_eq!(error.step(), Step::Check);
        let error = shell("true").namespace_file(Namespace::Uts, "/proc/self/ns/ipc").start();
        let error = error.expect_err("another kind");
        assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::INVAL)));
        assert!(error.to_string().contains("ipc"), "{error}");
    });
}

/// A time namespace is joined with copied memory.
#[test]
fn s5_a_time_namespace_is_joined() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut all = sleep();
        all.all().map_zero().mount_proc().time_offset(Clock::Boottime, 1000, 0);
        let target = Target::new(&all);
        assert_eq!(joined(&mut Inject::new(&*target, "sh")), namespaces_of(target.pid()));
        let mut time = Inject::new(&*target, "sh");
        time.namespaces([Namespace::User, Namespace::Time]);
        assert_eq!(joined(&mut time)[5..7], namespaces_of(target.pid())[5..7]);
    });
}

/// The result is the same with copied memory.
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

/// Exactly the selected namespaces are joined. Without privilege the selection must include the user namespace; else
/// the error has a hint.
#[test]
fn c01_every_selection_is_joined() {
    ns_testbed::run_as!([Root, User], {
        let target = Target::new(sleep().all().map_zero());
        let theirs = namespaces_of(target.pid());
        let own = namespaces_of("self");
        let privileged = rustix::process::geteuid().is_root();
        let full = is_full_length();
        let (mut joins, mut refused) = (0, 0);
        for number in (1..256).filter(|number| full || number % 5 == 0) {
            let selected = |at: usize| number >> at & 1 == 1;
            let kinds = (0..8).filter(|at| selected(*at)).map(|at| Namespace::ALL[at]);
            let kinds: Vec<_> = kinds.collect();
            let mut inject = Inject::new(&*target, "sh");
            inject.namespaces(kinds.iter().copied());
            if privileged || kinds.contains(&Namespace::User) {
                let expected = |at| if selected(at) { &theirs[at] } else { &own[at] };
                let expected: Vec<_> = (0..8).map(|at| expected(at).clone()).collect();
                assert_eq!(joined(&mut inject), expected, "{kinds:?}");
                joins += 1;
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
        println!("shown: {joins} selections joined, {refused} refused with EPERM");
    });
}

/// A user namespace and a network namespace that another user namespace owns are joined.
#[test]
fn c01_namespaces_with_different_owners_are_joined() {
    ns_testbed::run_as!([Root], {
        let net = Target::new(sleep().namespace(Namespace::Net));
        let mut both = sleep();
        both.namespaces([Namespace::User, Namespace::Uts]).map_zero();
        both.namespace_file(Namespace::Net, net.file(Namespace::Net));
        let target = Target::new(&both);
        let theirs = namespaces_of(target.pid());
        assert_eq!(theirs[3], namespaces_of(net.pid())[3]);
        assert_eq!(joined(&mut Inject::new(&*target, "sh")), theirs);
    });
}

/// A container joins some namespaces and makes others. A joined and a new user namespace conflict.
#[test]
fn f31_some_namespaces_are_joined_and_others_new() {
    ns_testbed::run_as!([Root, Nested], {
        let net = Target::new(sleep().namespace(Namespace::Net));
        let file = fs::File::open(net.file(Namespace::Net)).expect("open");
        let mut container = Container::new("sh");
        container.args(["-c", PRINT_NAMESPACES]).join_namespace(Namespace::Net, file);
        container.namespaces([Namespace::User, Namespace::Mnt, Namespace::Pid]).map_zero();
        let output = printed(container.mount_proc());
        let seen: Vec<_> = output.lines().collect();
        assert_eq!(seen[3], namespaces_of(net.pid())[3]);
        let own = namespaces_of("self");
        assert!([2, 4, 6].iter().all(|at| seen[*at] != own[*at]));
        container.namespace_file(Namespace::User, "/proc/self/ns/user");
        let error = container.start().expect_err("two user namespaces");
        assert_eq!(error.step(), Step::Check);
        assert!(error.to_string().contains("user"), "{error}");
    });
}

/// If the target is killed during an inject, the start succeeds or fails with `TargetGone`; nothing hangs.
#[test]
fn c07_a_target_killed_during_an_inject() {
    ns_testbed::run_as!([Root, User], {
        let rounds = rounds(100, 20);
        let (mut gone, mut joins) = (0, 0);
        for round in 0..rounds {
            let target = in_all().start().expect("a target");
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
                    joins += 1;
                }
                Err(error) => {
                    assert_eq!(error.step(), Step::TargetGone, "{error}");
                    gone += 1;
                }
            }
            let status = target.join_timeout(LONG).expect("join");
            assert!(status.is_some(), "an unreaped process keeps it from terminating");
        }
        println!("shown: {rounds} targets killed during an inject: {gone} gone, {joins} joined");
    });
}

/// An injected process is killed and reaped when its handle is dropped, so that the target can terminate.
#[test]
fn c17_a_dropped_injected_process_is_reaped() {
    ns_testbed::run_as!([Root, User], {
        let target = in_all().start().expect("a target");
        let process = Inject::new(&target, "sleep").arg("1000").start().expect("start");
        target.kill().expect("kill");
        assert_eq!(target.join_timeout(Duration::from_millis(100)).expect("join"), None);
        drop(process);
        assert!(target.join_timeout(LONG).expect("join").is_some());
    });
}

/// A container that joins a pid namespace is reaped as well, with `kill_on_drop`.
#[test]
fn c17_a_dropped_container_is_reaped() {
    ns_testbed::run_as!([Root, Nested], {
        for _ in 0..20 {
            let target = sleep().namespace(Namespace::Pid).start().expect("a target");
            let file = format!("/proc/{}/ns/pid", target.pid());
            let mut second = sleep();
            second.namespace_file(Namespace::Pid, file).kill_on_drop(true);
            drop(second.start().expect("start"));
            target.kill().expect("kill");
            assert!(target.join_timeout(LONG).expect("join").is_some());
        }
    });
}

/// A caller with busy threads and much memory joins all namespaces of a target; its own namespaces do not change.
#[test]
fn b09_a_busy_caller_injects() {
    ns_testbed::run_as!([Root, User], {
        let target = Target::new(sleep().all().map_zero().mount_proc());
        let own = namespaces_of("self");
        let bytes = rounds(1 << 30, 1 << 26);
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
                let joined = joined(&mut Inject::new(&*target, "sh"));
                assert_eq!(joined, namespaces_of(target.pid()));
            }
            stop.store(true, Ordering::Relaxed);
            for thread in busy {
                thread.join().expect("a thread");
            }
        });
        assert_eq!(namespaces_of("self"), own);
        let megabytes = resident.len() >> 20;
        println!("shown: 8 namespaces joined 20 times from 8 busy threads and {megabytes} MB");
    });
}
