//! The handle: joins, signals, drops, and what others do to the child meanwhile.
#![allow(unsafe_code, reason = "signal dispositions of the test process")]

mod common;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::{Duration, Instant};

use common::{eventually, prints, shell};
use ns_process::{Container, Namespace, Process, Signal, reap};

const fn is_send_and_sync<T: Send + Sync>() {}
const _: () = is_send_and_sync::<Process>();

fn sleeper() -> Process {
    let mut container = Container::new("sleep");
    container.arg("1000").start().expect("start")
}

fn children() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("list threads");
    let count = |task: fs::DirEntry| {
        let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        list.split_whitespace().count()
    };
    tasks.map(|task| count(task.expect("an entry"))).sum()
}

/// Codes and signals are told apart.
#[test]
fn f14_code_or_signal() {
    ns_testbed::run_as!([Root, User, Nested], {
        for (script, code, signal) in [
            ("exit 0", Some(0), None),
            ("exit 139", Some(139), None),
            ("kill -SEGV $$", None, Some(11)),
        ] {
            let process = shell(script).start().expect("start");
            let status = process.join().expect("join");
            assert_eq!((status.code(), status.signal()), (code, signal), "{script}");
            assert_eq!(process.exit_code().expect("known"), code.or(signal.map(|n| -n)));
        }
    });
}

/// Any number of joins, from any thread, tell the same.
#[test]
fn f17_joins_agree() {
    ns_testbed::run_as!([Root, User], {
        let process = shell("sleep 0.1; exit 9").start().expect("start");
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(process.join().expect("join").code(), Some(9)));
            }
        });
        assert_eq!(process.join().expect("again").code(), Some(9));
        assert!(!process.is_alive().expect("known"));
    });
}

/// A join with a limit neither kills nor consumes.
#[test]
fn f15_join_timeout() {
    ns_testbed::run_as!([Root, User], {
        let process = sleeper();
        let begin = Instant::now();
        assert_eq!(process.join_timeout(Duration::from_millis(100)).expect("join"), None);
        assert!(begin.elapsed() >= Duration::from_millis(100));
        assert!(process.is_alive().expect("alive"));
        assert_eq!(process.exit_code().expect("alive"), None);
        process.terminate().expect("terminate");
        assert_eq!(process.join().expect("join").signal(), Some(15));
        assert_eq!(process.exit_code().expect("known"), Some(-15));
        process.kill().expect("nothing to do after the end");
    });
}

/// A stopped child is alive, and can be killed.
#[test]
fn f22_stopped_child() {
    ns_testbed::run_as!([Root, User], {
        let process = sleeper();
        process.signal(Signal::STOP).expect("stop");
        assert_eq!(process.join_timeout(Duration::from_millis(50)).expect("join"), None);
        process.kill().expect("kill");
        assert_eq!(process.join().expect("join").signal(), Some(9));
    });
}

/// Pid 1 of a pid namespace ignores SIGTERM; after the grace SIGKILL does not ask.
#[test]
fn f08_pid_1_ignores_term() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = Container::new("sleep");
        container.arg("1000").namespaces([Namespace::User, Namespace::Pid]).map_zero();
        let process = container.start().expect("start");
        process.terminate().expect("terminate");
        assert_eq!(process.join_timeout(Duration::from_millis(50)).expect("join"), None);
        let status = process.terminate_timeout(Duration::from_millis(50)).expect("terminate");
        assert_eq!(status.signal(), Some(9));
    });
}

/// The status survives an ignored SIGCHLD.
#[test]
fn f03_sigchld_ignored() {
    ns_testbed::run_as!([Root, User], {
        // SAFETY: sets a disposition of this test process.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        for _ in 0..50 {
            let status = shell("exit 7").start().expect("start").join();
            match status {
                Ok(status) => assert_eq!(status.code(), Some(7)),
                Err(error) => assert!(error.to_string().contains("is lost"), "{error}"),
            }
        }
    });
}

/// The status survives a foreign reaper, who cannot take a child that is being started.
#[test]
fn f04_foreign_reaper() {
    ns_testbed::run_as!([Root, User], {
        thread::spawn(|| {
            loop {
                // SAFETY: writes nothing.
                unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) };
            }
        });
        for _ in 0..200 {
            match shell("exit 7").start().expect("start").join() {
                Ok(status) => assert_eq!(status.code(), Some(7)),
                Err(error) => assert!(error.to_string().contains("is lost"), "{error}"),
            }
        }
        Container::new("/nope").start().expect_err("an unknown program stays one");
    });
}

/// A dropped handle leaves no zombie, and a running process alone.
#[test]
fn f18_dropped_handles() {
    ns_testbed::run_as!([Root, User], {
        for _ in 0..100 {
            drop(shell("exit 0").start().expect("start"));
        }
        eventually("zombies stay", || reap() == 0);
        assert_eq!(children(), 0);

        let process = sleeper();
        let pid = process.pid();
        drop(process);
        assert_eq!(reap(), 1, "it runs on");
        assert!(fs::exists(format!("/proc/{pid}")).expect("look"));
        let pidfd = ns_sys::pidfd_open(pid).expect("pidfd");
        ns_sys::pidfd_send_signal(&pidfd, Signal::KILL).expect("kill");
        eventually("it is reaped", || reap() == 0);
    });
}

/// The program begins with no signal blocked or ignored, whatever the caller does.
#[test]
fn f01_mask_and_dispositions() {
    ns_testbed::run_as!([Root, User], {
        // SAFETY: sets dispositions of this test process.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
        ns_sys::child::rt_sigprocmask(ns_sys::child::SignalSet::EMPTY.with(15).with(17).with(34))
            .expect("block some");
        let seen = prints(|_| {}, "grep -E 'Sig(Blk|Ign)' /proc/self/status");
        assert_eq!(seen, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    });
}

/// A storm of signals: no handler of the caller's runs in a child, which would write into the
/// caller's memory.
#[test]
fn f02_no_handler_in_the_child() {
    ns_testbed::run_as!([Root, User], {
        use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
        static FOREIGN: AtomicU32 = AtomicU32::new(0);
        static RUNS: AtomicU32 = AtomicU32::new(0);
        static OWN: AtomicU32 = AtomicU32::new(0);
        extern "C" fn handler(_: i32) {
            RUNS.fetch_add(1, Ordering::Relaxed);
            if ns_sys::child::getpid() != OWN.load(Ordering::Relaxed) {
                FOREIGN.fetch_add(1, Ordering::Relaxed);
            }
        }
        OWN.store(std::process::id(), Ordering::Relaxed);
        let handler: extern "C" fn(i32) = handler;
        // SAFETY: the handler makes one system call and counts.
        unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    // To the whole group, children between clone and exec included; that it ends some
                    // of the executed programs is no matter.
                    // SAFETY: takes two numbers.
                    unsafe { libc::kill(0, libc::SIGUSR1) };
                }
            });
            for _ in 0..300 {
                // A child killed by the storm between its mask and its exec is a failed start.
                if let Ok(process) = Container::new("true").start() {
                    process.join().expect("join");
                }
            }
            done.store(true, Ordering::Relaxed);
        });
        assert!(RUNS.load(Ordering::Relaxed) > 100, "the storm did not blow");
        assert_eq!(FOREIGN.load(Ordering::Relaxed), 0);
    });
}

/// Interrupted by a timer every millisecond, nothing fails.
#[test]
fn b15_interrupted_calls() {
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
