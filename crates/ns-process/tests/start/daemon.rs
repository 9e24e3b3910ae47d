//! Daemons: programs that are no children of the caller.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use crate::common::{Output, assert_refused, assert_unchanged, eventually, in_child, shell};
use ns_process::{Container, Errno, Init, Memory, Namespace, Process, Signal, Step};
use ns_sys::pidfd_send_signal;
use ns_testbed::{LONG, Leftovers, forked, refuse};
use rustix::process::{Pid, WaitOptions, set_child_subreaper, wait};

fn daemon(script: &str) -> Container {
    let mut container = shell(script);
    container.daemonize();
    container
}

/// The fields of `/proc/PID/stat` after the name: state, ppid, pgrp, session, tty.
fn stat(pid: u32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a running process");
    text.rsplit(") ").next().expect("fields").split(' ').map(str::to_owned).collect()
}

/// Makes this process the parent of orphaned descendants.
fn adopt_orphans() {
    set_child_subreaper(Pid::from_raw(1)).expect("subreaper");
}

fn kill_and_reap(process: &Process) {
    process.kill().expect("kill");
    eventually("it has exited", || !process.is_alive().expect("is_alive"));
    while wait(WaitOptions::NOHANG).is_ok_and(|ended| ended.is_some()) {}
}

/// A daemon has a new session that it does not lead, another parent, `/dev/null` as streams, and umask 0.
#[test]
fn s1_daemonize_leaves_the_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        adopt_orphans();
        let output = Output::new();
        let files = "$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2)";
        let script =
            format!("a={files}; umask > {0}; echo \"$a\" >> {0}; exec sleep 1000", output.path());
        let process = daemon(&script).start().expect("start");
        eventually("it has printed", || {
            fs::read_to_string(output.path()).is_ok_and(|text| text.lines().count() == 4)
        });
        assert_eq!(output.read(), "0000\n/dev/null\n/dev/null\n/dev/null\n");
        let (own, theirs) = (stat(std::process::id()), stat(process.pid()));
        assert_eq!(theirs[1], std::process::id().to_string(), "the parent is the subreaper");
        assert_ne!(theirs[3], own[3], "session");
        assert_ne!(theirs[3], process.pid().to_string(), "it is not the session leader");
        assert_eq!(theirs[4], "0", "no terminal");
        kill_and_reap(&process);
    });
}

/// Without a subreaper, init is the parent of the daemon.
#[test]
fn s1_daemonize_without_a_subreaper() {
    ns_testbed::run_as!([Root, User], {
        let process = daemon("exec sleep 1000").start().expect("start");
        assert_ne!(stat(process.pid())[1], std::process::id().to_string());
        assert_eq!(process.join_timeout(Duration::from_millis(50)).expect("join"), None);
        process.terminate().expect("signal");
        eventually("it has exited", || !process.is_alive().expect("is_alive"));
    });
}

/// The status is reported if the adoptive parent never reaps, as in a container without an init.
#[test]
fn s1_daemonize_and_an_init_that_never_reaps() {
    ns_testbed::run_as!([Root, User, Nested], {
        adopt_orphans();
        let assert_ends = |container: &mut Container, code| {
            let status = container.daemonize().status().expect("start and join");
            assert_eq!(status.code().or(status.signal().map(|signal| -signal)), Some(code));
        };
        in_child(|| {
            assert_ends(&mut shell("exit 7"), 7);
            assert_ends(&mut shell("kill -9 $$"), -9);
            assert_ends(
                shell("exit 0").namespaces([Namespace::User, Namespace::Pid]).map_zero(),
                0,
            );
        });
        println!("shown: the status of an unreaped daemon is reported");
        while wait(WaitOptions::NOHANG).is_ok_and(|ended| ended.is_some()) {}
    });
}

/// In a new pid namespace the daemon is process 1 and keeps running.
#[test]
fn f10_a_daemon_in_a_new_pid_namespace_keeps_running() {
    ns_testbed::run_as!([Root, User, Nested], {
        adopt_orphans();
        let output = Output::new();
        let script = format!("echo $$ > {}; exec sleep 1000", output.path());
        let mut container = daemon(&script);
        container
            .namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt])
            .map_zero()
            .mount_proc();
        let process = container.start().expect("start");
        std::thread::sleep(Duration::from_secs(2));
        assert!(process.is_alive().expect("is_alive"));
        assert_eq!(output.read(), "1\n");
        println!("shown: a daemon is pid 1 of its namespace, alive 2 s later");
        kill_and_reap(&process);
        let under_init = container.init(Init::builtin()).start().expect("start");
        eventually("it has printed", || output.read() == "2\n");
        kill_and_reap(&under_init);
    });
}

/// The status of a daemon is reported, whichever process reaps it.
#[test]
fn s1_daemonize_and_join_reports_the_status() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut child = shell("exit 7");
        let process = child.daemonize_as_child().start().expect("start");
        assert_eq!(process.join().expect("join").code(), Some(7));
        let mut asleep = shell("exec sleep 1000");
        let process = asleep.daemonize_as_child().start().expect("start");
        let (own, theirs) = (stat(std::process::id()), stat(process.pid()));
        assert_eq!(theirs[1], std::process::id().to_string());
        assert_ne!(theirs[3], own[3]);
        process.kill().expect("kill");
        assert_eq!(process.join().expect("join").signal(), Some(9));
        adopt_orphans();
        let adopted = daemon("exit 7").start().expect("start");
        assert_eq!(adopted.join().expect("join").code(), Some(7));
    });
}

/// Each failure is reported, and nothing is left.
#[test]
fn f20_a_daemon_that_fails_leaves_nothing() {
    ns_testbed::run_as!([Root, User, Nested], {
        adopt_orphans();
        let before = Leftovers::snapshot();
        let mut unknown = Container::new("no-such-program");
        let error = unknown.daemonize().start().expect_err("no such file");
        assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
        let error = daemon("").workdir("/no/such").start().expect_err("no such file");
        assert_eq!((error.step(), error.errno()), (Step::Workdir, Some(Errno::NOENT)));
        for signal in [Signal::KILL, Signal::STOP] {
            let mut fails = daemon("");
            fails.namespaces([Namespace::User]).map_zero();
            fails.before_go(move |child| pidfd_send_signal(child, signal));
            let (step, limit) = match signal {
                Signal::KILL => (Step::Exec, LONG),
                _ => (Step::StartTimeout, Duration::from_millis(300)),
            };
            let error = fails.start_timeout(limit).start().expect_err("the signal");
            assert_eq!(error.step(), step, "{error}");
        }
        let panics =
            std::panic::catch_unwind(|| daemon("").before_go(|_| assert_eq!(1, 2)).start());
        assert!(panics.is_err());
        let refused = |number: i64| {
            forked(|| {
                refuse(number, Errno::XDEV);
                let error = daemon("").start().expect_err("refused");
                i32::from(error.errno() != Some(Errno::XDEV))
                    + 2 * i32::from(wait(WaitOptions::NOHANG).is_ok())
            })
        };
        assert_eq!(refused(libc::SYS_setsid), 0);
        assert_eq!(refused(libc::SYS_clone3), 0);
        assert_eq!(refused(libc::SYS_wait4), 0);
        // A killed daemon may be an orphan for a moment.
        let deadline = Instant::now() + LONG;
        while wait(WaitOptions::NOHANG).is_ok() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_unchanged(&before);
    });
}

/// Conflicting settings are refused before any system call.
#[test]
fn s1_daemonize_conflicts_are_refused() {
    let message = "daemonize: cannot be combined with die_with_parent";
    assert_refused(daemon("").die_with_parent(), message);
    assert_refused(
        daemon("").kill_on_drop(true),
        "daemonize: cannot be combined with kill_on_drop",
    );
    assert!(daemon("").get_daemonize());
}

/// A daemon keeps running when the caller is killed.
#[test]
fn s1_daemonize_outlives_the_caller() {
    ns_testbed::run_as!([Root, User], {
        adopt_orphans();
        let output = Output::new();
        let path = output.path().to_owned();
        let code = forked(|| {
            let process = daemon("exec sleep 1000").start().expect("start");
            fs::write(&path, process.pid().to_string()).expect("write");
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
                .expect("kill");
            0
        });
        assert_eq!(code, 128 + 9);
        let pid: u32 = output.read().parse().expect("a number");
        std::thread::sleep(Duration::from_millis(100));
        eventually("it sleeps", || stat(pid)[0] == "S");
        let pid = Pid::from_raw(pid.try_into().expect("small")).expect("a number");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("kill");
        wait(WaitOptions::empty()).expect("reap");
    });
}

/// Several threads start many daemons, in shared and in copied memory.
#[test]
fn s1_daemonize_from_several_threads() {
    ns_testbed::run_as!([Root, User, Nested], {
        adopt_orphans();
        in_child(|| {
            std::thread::scope(|scope| {
                for memory in
                    [Memory::Auto, Memory::Copied, Memory::Auto, Memory::Auto, Memory::Auto]
                {
                    scope.spawn(move || {
                        for _ in 0..10 {
                            let mut container = daemon("exit 0");
                            container
                                .namespaces([Namespace::User, Namespace::Pid])
                                .map_zero()
                                .memory(memory);
                            let process = container.start().expect("start");
                            eventually("it exits", || !process.is_alive().expect("is_alive"));
                        }
                    });
                }
            });
        });
        let mut count = 0;
        while count < 50 && wait(WaitOptions::empty()).is_ok() {
            count += 1;
        }
        assert_eq!(count, 50);
        println!("shown: {count} daemons, each reaped by the subreaper");
    });
}
