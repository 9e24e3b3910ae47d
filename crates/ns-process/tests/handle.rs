//! The handle: joins, signals, drops, and what others do to the child meanwhile.
#![allow(unsafe_code, reason = "signal dispositions of the test process")]

mod common;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::{Duration, Instant};

use common::{eventually, prints, shell};
use ns_process::{Container, Namespace, Process, Signal, reap};
use ns_testbed::LONG;

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

/// Whether the running kernel tells the status of a process that somebody else reaped (Linux 6.15).
fn told_after_reap() -> bool {
    // It ends when its input does, and not before its descriptor is had.
    let mut cat = std::process::Command::new("cat");
    let mut child = cat.stdin(std::process::Stdio::piped()).spawn().expect("spawn");
    let pidfd = ns_sys::pidfd_open(child.id()).expect("pidfd_open");
    // ECHILD, where SIGCHLD is ignored.
    let _ = child.wait();
    eventually("the kernel forgets", || ns_sys::pidfd_send_signal(&pidfd, Signal::CONT).is_err());
    thread::sleep(Duration::from_millis(10));
    ns_sys::pidfd_get_info(&pidfd).is_ok_and(|info| info.exit_status.is_some())
}

/// The status survives an ignored SIGCHLD.
#[test]
fn f03_sigchld_ignored() {
    ns_testbed::run_as!([Root, User], {
        // SAFETY: sets a disposition of this test process.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        let expected = told_after_reap().then_some(7);
        for _ in 0..500 {
            let process = shell("exit 7").start().expect("start");
            assert_eq!(process.join().ok().and_then(|status| status.code()), expected);
            assert!(!process.is_alive().expect("it has ended, lost or not"));
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
        let told = told_after_reap();
        for _ in 0..500 {
            let joined = shell("exit 7").start().expect("start").join();
            let code = joined.ok().and_then(|status| status.code());
            assert!(code == Some(7) || code.is_none() && !told, "{code:?}");
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

        // Starts and drops look too, a few at a time.
        for _ in 0..20 {
            drop(shell("sleep 0.02").start().expect("start"));
        }
        eventually("zombies stay", || {
            shell("exit 0").start().expect("start").join().expect("join");
            children() == 0
        });

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

/// An ended process that the kernel keeps for its tracer holds nobody up.
#[test]
fn c20_a_tracer_that_does_not_wait() {
    ns_testbed::run_as!([Root], {
        let process = sleeper();
        let pid = process.pid().cast_signed();
        // SAFETY: libc's fork repairs libc's own state; the child leaves by pause and a signal.
        let tracer = match unsafe { libc::fork() } {
            0 => loop {
                // SAFETY: PTRACE_SEIZE takes no memory.
                unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) };
                // SAFETY: sleeps.
                unsafe { libc::pause() };
            },
            tracer => tracer,
        };
        eventually("nobody traces", || {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("read");
            status.contains(&format!("TracerPid:\t{tracer}"))
        });
        let begin = Instant::now();
        let status = process.terminate_timeout(Duration::ZERO).expect("proc tells the status");
        assert_eq!(status.signal(), Some(9));
        assert!(!process.is_alive().expect("it has ended"));
        drop(process);
        assert!(begin.elapsed() < LONG, "{:?}", begin.elapsed());
        assert_eq!(reap(), 1, "the tracer has it");
        // SAFETY: the fork above, which is ended and reaped.
        unsafe { libc::kill(tracer, libc::SIGKILL) };
        // SAFETY: writes nothing.
        unsafe { libc::waitpid(tracer, std::ptr::null_mut(), 0) };
        eventually("it is reaped", || reap() == 0);
    });
}

/// A child that is killed at its exec is an error that says so, whoever reaps it.
#[test]
fn f27_killed_at_exec() {
    ns_testbed::run_as!([Root, User], {
        let code = ns_testbed::forked(|| {
            // SAFETY: PR_SET_NO_NEW_PRIVS takes a number.
            unsafe { ns_sys::child::prctl(38, [1, 0, 0, 0]) }.expect("no_new_privs");
            let instruction = |code, jt, jf, k| ns_sys::child::BpfInstruction { code, jt, jf, k };
            let number = u32::try_from(libc::SYS_execve).expect("small");
            // execve ends the process, the rest is allowed.
            let filter = [
                instruction(0x20, 0, 0, 0),
                instruction(0x15, 0, 1, number),
                instruction(0x06, 0, 0, 0x8000_0000),
                instruction(0x06, 0, 0, 0x7fff_0000),
            ];
            // SAFETY: no answer is given in the kernel's place.
            unsafe { ns_sys::child::seccomp_set_filter(0, &filter) }.expect("seccomp");
            let killed = |reaped: bool| match Container::new("/bin/true").start() {
                Err(error) => assert!(error.to_string().contains("signal 31"), "{error}"),
                // Where another waiter took it, it may have been a program for all that the kernel says.
                Ok(process) => {
                    assert!(reaped, "it never executed");
                    assert_eq!(process.join().expect("join").signal(), Some(31));
                }
            };
            (0..100).for_each(|_| killed(false));
            thread::spawn(|| {
                loop {
                    // SAFETY: writes nothing.
                    unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::__WALL) };
                }
            });
            (0..300).for_each(|_| killed(true));
            0
        });
        assert_eq!(code, 0);
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
