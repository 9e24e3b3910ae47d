//! Programs that have left the caller.

mod common;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use common::{Output, eventually, shell};
use ns_process::{Container, Errno, Init, Memory, Namespace, Process, Signal, Step};
use ns_sys::pidfd_send_signal;
use ns_testbed::{LONG, Leftovers, forked, refuse};
use rustix::process::{Pid, WaitOptions, set_child_subreaper, wait};

fn daemon(script: &str) -> Container {
    let mut container = shell(script);
    container.daemonize();
    container
}

/// Fields of `/proc/PID/stat` behind the name: state, ppid, pgrp, session, tty.
fn stat(pid: u32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    text.rsplit(") ").next().expect("fields").split(' ').map(str::to_owned).collect()
}

/// From here on orphans are this process's children.
fn adopt() {
    set_child_subreaper(Pid::from_raw(1)).expect("subreaper");
}

fn end(process: &Process) {
    process.kill().expect("kill");
    eventually("it is dead", || !process.is_alive().expect("ask"));
    while wait(WaitOptions::NOHANG).is_ok_and(|ended| ended.is_some()) {}
}

/// A session of its own that it does not lead, another parent, nothing open, and a mask of its own.
#[test]
fn s1_daemonize_leaves_the_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        adopt();
        let output = Output::new();
        let files = "$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2)";
        let script =
            format!("a={files}; umask > {0}; echo \"$a\" >> {0}; exec sleep 1000", output.path());
        let process = daemon(&script).start().expect("start");
        eventually("it has told", || {
            fs::read_to_string(output.path()).is_ok_and(|text| text.lines().count() == 4)
        });
        assert_eq!(output.read(), "0000\n/dev/null\n/dev/null\n/dev/null\n");
        let (own, theirs) = (stat(std::process::id()), stat(process.pid()));
        assert_eq!(theirs[1], std::process::id().to_string(), "the subreaper");
        assert_ne!(theirs[3], own[3], "session");
        assert_ne!(theirs[3], process.pid().to_string(), "it does not lead it");
        assert_eq!(theirs[4], "0", "no terminal");
        end(&process);
    });
}

/// Without a subreaper it is init's.
#[test]
fn s1_daemonize_is_of_init() {
    ns_testbed::run_as!([Root, User], {
        let process = daemon("exec sleep 1000").start().expect("start");
        assert_ne!(stat(process.pid())[1], std::process::id().to_string());
        assert_eq!(process.join_timeout(Duration::from_millis(50)).expect("join"), None);
        process.terminate().expect("signal");
        eventually("it is dead", || !process.is_alive().expect("ask"));
    });
}

/// As in a container whose first process waits for nobody.
#[test]
fn s1_daemonize_and_an_init_that_never_reaps() {
    ns_testbed::run_as!([Root, User, Nested], {
        adopt();
        let ends = |container: &mut Container, code| {
            let status = container.daemonize().status().expect("start and join");
            assert_eq!(status.code().or(status.signal().map(|signal| -signal)), Some(code));
        };
        let code = forked(|| {
            ends(&mut shell("exit 7"), 7);
            ends(&mut shell("kill -9 $$"), -9);
            ends(shell("exit 0").namespaces([Namespace::User, Namespace::Pid]).map_zero(), 0);
            0
        });
        assert_eq!(code, 0);
        println!("shown: a daemon's status is told though nobody reaps it");
        while wait(WaitOptions::NOHANG).is_ok_and(|ended| ended.is_some()) {}
    });
}

/// In a new pid namespace the daemon itself is the first process, and lives.
#[test]
fn f10_daemon_in_a_new_pid_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        adopt();
        let output = Output::new();
        let script = format!("echo $$ > {}; exec sleep 1000", output.path());
        let mut container = daemon(&script);
        container
            .namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt])
            .map_zero()
            .mount_proc();
        let process = container.start().expect("start");
        std::thread::sleep(Duration::from_secs(2));
        assert!(process.is_alive().expect("ask"));
        assert_eq!(output.read(), "1\n");
        println!("shown: a daemon is pid 1 of its namespace, alive 2 s later");
        end(&process);
        let beside = container.init(Init::builtin()).start().expect("start");
        eventually("it has told", || output.read() == "2\n");
        end(&beside);
    });
}

/// Its status is told, whoever reaps it.
#[test]
fn s1_daemonize_and_join() {
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
        adopt();
        let adopted = daemon("exit 7").start().expect("start");
        assert_eq!(adopted.join().expect("join").code(), Some(7));
    });
}

/// Whatever fails is told, and nothing is left.
#[test]
fn f20_daemon_that_fails() {
    ns_testbed::run_as!([Root, User, Nested], {
        adopt();
        let before = Leftovers::snapshot();
        let mut unknown = Container::new("no-such-program");
        let error = unknown.daemonize().start().expect_err("unknown");
        assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
        let error = daemon("").workdir("/no/such").start().expect_err("unknown");
        assert_eq!((error.step(), error.errno()), (Step::Workdir, Some(Errno::NOENT)));
        for signal in [Signal::KILL, Signal::STOP] {
            let mut dies = daemon("");
            dies.namespaces([Namespace::User]).map_zero();
            dies.before_go(move |child| pidfd_send_signal(child, signal));
            let (step, limit) = match signal {
                Signal::KILL => (Step::Exec, LONG),
                _ => (Step::StartTimeout, Duration::from_millis(300)),
            };
            let error = dies.start_timeout(limit).start().expect_err("dies");
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
        // A daemon that was given up may be an orphan for a moment.
        let deadline = Instant::now() + LONG;
        while wait(WaitOptions::NOHANG).is_ok() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        common::assert_unchanged(&before);
    });
}

/// What does not go together is said before anything is done.
#[test]
fn s1_daemonize_refusals() {
    let said = |container: &Container| {
        let error = container.start().expect_err("refused");
        assert_eq!(error.step(), Step::Check);
        error.object().map(str::to_owned)
    };
    assert_eq!(
        said(daemon("").die_with_parent()).as_deref(),
        Some("daemonize: die_with_parent is set as well")
    );
    assert_eq!(
        said(daemon("").kill_on_drop(true)).as_deref(),
        Some("daemonize: kill_on_drop is set as well")
    );
    assert!(daemon("").get_daemonize());
}

/// The daemon lives on when the caller is killed.
#[test]
fn s1_daemonize_outlives_the_caller() {
    ns_testbed::run_as!([Root, User], {
        adopt();
        let output = Output::new();
        let path = output.path().to_owned();
        let code = forked(|| {
            let process = daemon("exec sleep 1000").start().expect("start");
            fs::write(&path, process.pid().to_string()).expect("write");
            rustix::process::kill_process(rustix::process::getpid(), Signal::KILL).expect("kill");
            0
        });
        assert_eq!(code, 128 + 9);
        let pid: u32 = output.read().parse().expect("a number");
        std::thread::sleep(Duration::from_millis(100));
        eventually("it sleeps", || stat(pid)[0] == "S");
        let pid = Pid::from_raw(pid.try_into().expect("small")).expect("a number");
        rustix::process::kill_process(pid, Signal::KILL).expect("kill");
        wait(WaitOptions::empty()).expect("reap");
    });
}

/// Many, in copied memory too, from several threads.
#[test]
fn s1_fifty_daemons() {
    ns_testbed::run_as!([Root, User, Nested], {
        adopt();
        let code = forked(|| {
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
                            eventually("it ends", || !process.is_alive().expect("ask"));
                        }
                    });
                }
            });
            0
        });
        assert_eq!(code, 0);
        let mut count = 0;
        while count < 50 && wait(WaitOptions::empty()).is_ok() {
            count += 1;
        }
        assert_eq!(count, 50);
        println!("shown: {count} daemons, each reaped by whom it was left to");
    });
}
