//! The handle of a process: joins, signals and drops, also if other processes wait for, trace or signal the child.
#![allow(unsafe_code, reason = "signal dispositions of the test process")]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::target::sleep;
use crate::common::{eventually, filter, in_child, prints, reap_all, shell, tracer};
use ns_process::{Container, Namespace, Process, Signal, reap};
use ns_testbed::LONG;

const fn is_send_and_sync<T: Send + Sync>() {}
const _: () = is_send_and_sync::<Process>();

fn sleeper() -> Process {
    sleep().start().expect("start")
}

fn children() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("list threads");
    let count = |task: fs::DirEntry| {
        let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        list.split_whitespace().count()
    };
    tasks.map(|task| count(task.expect("an entry"))).sum()
}

/// An exit code is distinguished from a signal.
#[test]
fn f14_exit_code_and_signal_are_distinguished() {
    ns_testbed::run_as!([Root, User, Nested], {
        for (script, code, signal) in [
            ("exit 0", Some(0), None),
            ("exit 139", Some(139), None),
            ("kill -SEGV $$", None, Some(11)),
        ] {
            let process = shell(script).start().expect("start");
            let status = process.join().expect("join");
            assert_eq!((status.code(), status.signal()), (code, signal), "{script}");
            assert_eq!(process.exit_code().expect("exit_code"), code.or(signal.map(|n| -n)));
        }
    });
}

/// Joins from several threads, at once and again, return the same status.
#[test]
fn f17_every_join_returns_the_status() {
    ns_testbed::run_as!([Root, User], {
        let process = shell("sleep 0.1; exit 9").start().expect("start");
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(process.join().expect("join").code(), Some(9)));
            }
        });
        assert_eq!(process.join().expect("again").code(), Some(9));
        assert!(!process.is_alive().expect("is_alive"));
    });
}

/// A join that times out neither kills nor reaps the process.
#[test]
fn f15_join_timeout_leaves_the_process_alone() {
    ns_testbed::run_as!([Root, User], {
        let process = sleeper();
        let begin = Instant::now();
        assert_eq!(process.join_timeout(Duration::from_millis(100)).expect("join"), None);
        assert!(begin.elapsed() >= Duration::from_millis(100));
        assert!(process.is_alive().expect("a running process"));
        assert_eq!(process.exit_code().expect("a running process"), None);
        process.terminate().expect("terminate");
        assert_eq!(process.join().expect("join").signal(), Some(15));
        assert_eq!(process.exit_code().expect("exit_code"), Some(-15));
        process.kill().expect("no error after the exit");
    });
}

/// A stopped child is alive and can be killed.
#[test]
fn f22_a_stopped_child_can_be_killed() {
    ns_testbed::run_as!([Root, User], {
        let process = sleeper();
        process.signal(Signal::STOP).expect("stop");
        assert_eq!(process.join_timeout(Duration::from_millis(50)).expect("join"), None);
        process.kill().expect("kill");
        assert_eq!(process.join().expect("join").signal(), Some(9));
    });
}

/// Process 1 of a pid namespace ignores SIGTERM; `terminate_timeout` kills it.
#[test]
fn f08_process_1_ignores_sigterm() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = sleep();
        container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
        let process = container.start().expect("start");
        process.terminate().expect("terminate");
        assert_eq!(process.join_timeout(Duration::from_millis(50)).expect("join"), None);
        let status = process.terminate_timeout(Duration::from_millis(50)).expect("terminate");
        assert_eq!(status.signal(), Some(9));
    });
}

/// Whether the kernel reports the status of a process that was reaped by another wait (Linux 6.15).
fn has_status_after_reap() -> bool {
    // It exits at the end of its input, after its pidfd is open.
    let mut cat = std::process::Command::new("cat");
    let mut child = cat.stdin(std::process::Stdio::piped()).spawn().expect("spawn");
    let pidfd = ns_sys::pidfd_open(child.id()).expect("pidfd_open");
    // ECHILD if SIGCHLD is ignored.
    let _ = child.wait();
    eventually("it is reaped", || ns_sys::pidfd_send_signal(&pidfd, Signal::CONT).is_err());
    thread::sleep(Duration::from_millis(10));
    ns_sys::pidfd_get_info(&pidfd).is_ok_and(|info| info.exit_status.is_some())
}

/// If SIGCHLD is ignored, the status is reported where the kernel keeps it.
#[test]
fn f03_the_status_with_sigchld_ignored() {
    ns_testbed::run_as!([Root, User], {
        // SAFETY: sets a disposition of this process.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        let expected = has_status_after_reap().then_some(7);
        for _ in 0..500 {
            let process = shell("exit 7").start().expect("start");
            assert_eq!(process.join().ok().and_then(|status| status.code()), expected);
            assert!(!process.is_alive().expect("is_alive"));
        }
    });
}

/// If another thread reaps every child, the status is reported where the kernel keeps it, and starts succeed.
#[test]
fn f04_the_status_with_another_reaper() {
    ns_testbed::run_as!([Root, User], {
        thread::spawn(|| {
            loop {
                // SAFETY: writes nothing.
                unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) };
            }
        });
        let is_kept = has_status_after_reap();
        for _ in 0..500 {
            let joined = shell("exit 7").start().expect("start").join();
            let code = joined.ok().and_then(|status| status.code());
            assert!(code == Some(7) || code.is_none() && !is_kept, "{code:?}");
        }
        Container::new("/nope").start().expect_err("no such file");
    });
}

/// A dropped handle leaves no zombie, and does not kill a running process.
#[test]
fn f18_a_dropped_handle_leaves_no_zombie() {
    ns_testbed::run_as!([Root, User], {
        for _ in 0..100 {
            drop(shell("exit 0").start().expect("start"));
        }
        reap_all();
        assert_eq!(children(), 0);

        // Starts and drops reap as well, a few processes each.
        for _ in 0..20 {
            drop(shell("sleep 0.02").start().expect("start"));
        }
        eventually("every dropped process is reaped", || {
            shell("exit 0").start().expect("start").join().expect("join");
            children() == 0
        });

        let process = sleeper();
        let pid = process.pid();
        drop(process);
        assert_eq!(reap(), 1, "it is running");
        assert!(fs::exists(format!("/proc/{pid}")).expect("stat"));
        let pidfd = ns_sys::pidfd_open(pid).expect("pidfd");
        ns_sys::pidfd_send_signal(&pidfd, Signal::KILL).expect("kill");
        reap_all();
    });
}

/// A zombie that a tracer does not reap delays neither `terminate_timeout` nor drop.
#[test]
fn c20_a_tracer_that_does_not_wait_delays_no_call() {
    ns_testbed::run_as!([Root], {
        let process = sleeper();
        let pid = process.pid().cast_signed();
        let tracer = tracer::trace(pid);
        let begin = Instant::now();
        let status = process.terminate_timeout(Duration::ZERO).expect("the status in proc");
        assert_eq!(status.signal(), Some(9));
        assert!(!process.is_alive().expect("is_alive"));
        drop(process);
        assert!(begin.elapsed() < LONG, "{:?}", begin.elapsed());
        assert_eq!(reap(), 1, "the tracer keeps it");
        // SAFETY: kills the tracer, which is not reaped yet.
        unsafe { libc::kill(tracer, libc::SIGKILL) };
        // SAFETY: writes nothing.
        unsafe { libc::waitpid(tracer, std::ptr::null_mut(), 0) };
        reap_all();
    });
}

/// A child that is killed at its exec is an error, whichever process reaps it.
#[test]
fn f27_a_child_killed_at_exec_is_an_error() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            rustix::thread::set_no_new_privs(true).expect("no_new_privs");
            let filter = filter::for_call(libc::SYS_execve, libc::SECCOMP_RET_KILL_PROCESS);
            // SAFETY: the filter makes execve kill the process.
            unsafe { ns_sys::child::seccomp_set_filter(0, &filter) }.expect("seccomp");
            let assert_killed = |reaped: bool| match Container::new("/bin/true").start() {
                Err(error) => assert!(error.to_string().contains("signal 31"), "{error}"),
                // If another thread reaped it, the kernel does not report whether it executed.
                Ok(process) => {
                    assert!(reaped, "it never executed");
                    assert_eq!(process.join().expect("join").signal(), Some(31));
                }
            };
            (0..100).for_each(|_| assert_killed(false));
            thread::spawn(|| {
                loop {
                    // SAFETY: writes nothing.
                    unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::__WALL) };
                }
            });
            (0..300).for_each(|_| assert_killed(true));
        });
    });
}

/// No signal is blocked or ignored in the program, whatever the caller blocks and ignores.
#[test]
fn f01_no_signal_is_blocked_or_ignored() {
    ns_testbed::run_as!([Root, User], {
        // SAFETY: sets a disposition of this process.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
        let real_time = Signal::from_raw(34).expect("a signal");
        let blocked = [Signal::TERM, Signal::CHILD, real_time].into_iter().collect();
        ns_sys::child::rt_sigprocmask(blocked).expect("block some");
        let seen = prints(|_| {}, "grep -E 'Sig(Blk|Ign)' /proc/self/status");
        assert_eq!(seen, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    });
}

/// No handler of the caller runs in a child, where it would write to the memory of the caller.
#[test]
fn f02_no_handler_runs_in_a_child() {
    ns_testbed::run_as!([Root, User], {
        use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
        static IN_CHILD: AtomicU32 = AtomicU32::new(0);
        static RUNS: AtomicU32 = AtomicU32::new(0);
        static CALLER: AtomicU32 = AtomicU32::new(0);
        extern "C" fn handler(_: i32) {
            RUNS.fetch_add(1, Ordering::Relaxed);
            if ns_sys::child::getpid() != CALLER.load(Ordering::Relaxed) {
                IN_CHILD.fetch_add(1, Ordering::Relaxed);
            }
        }
        CALLER.store(std::process::id(), Ordering::Relaxed);
        let handler: extern "C" fn(i32) = handler;
        // SAFETY: the handler makes one system call and counts.
        unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    // To the process group, which includes the children. Some programs are killed by it.
                    // SAFETY: takes two numbers.
                    unsafe { libc::kill(0, libc::SIGUSR1) };
                }
            });
            for _ in 0..300 {
                // A child that the signal kills between its reset mask and its exec is a failed start.
                if let Ok(process) = Container::new("true").start() {
                    process.join().expect("join");
                }
            }
            done.store(true, Ordering::Relaxed);
        });
        assert!(RUNS.load(Ordering::Relaxed) > 100, "too few signals");
        assert_eq!(IN_CHILD.load(Ordering::Relaxed), 0);
    });
}

/// Starts and joins succeed while a timer interrupts every millisecond.
#[test]
fn b15_interrupted_calls_are_repeated() {
    ns_testbed::run_as!([Root, User], {
        extern "C" fn nothing(_: i32) {}
        let handler: extern "C" fn(i32) = nothing;
        let every = libc::timeval { tv_sec: 0, tv_usec: 1000 };
        let timer = libc::itimerval { it_interval: every, it_value: every };
        // SAFETY: zeros are a valid sigaction: no flags, so none of SA_RESTART.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = handler as libc::sighandler_t;
        // SAFETY: the handler does nothing.
        unsafe { libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()) };
        // SAFETY: reads a timer that outlives the call.
        unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
        for _ in 0..200 {
            let mut container = Container::new("sleep");
            container.arg("0.003").namespace(Namespace::User).map_zero();
            assert!(container.start().expect("start").join().expect("join").success());
        }
    });
}
