//! Sessions, terminals, signals, and the death of the parent.
#![allow(unsafe_code, reason = "terminals, handlers and a parent that is killed")]

mod common;

use std::fs::File;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use common::{ACT, act, eventually, shell};
use ns_process::{Container, Namespace, Stdio, Step};
use ns_testbed::{LONG, USER, forked};
use rustix::process::{Pid, Signal, getpid, kill_process, set_child_subreaper};

fn printed(container: &Container) -> String {
    let output = container.output().expect("start");
    String::from_utf8(output.stdout).expect("text")
}

/// Session and process group of the program, as proc tells them.
const PLACE: &str =
    "set -- $(cat /proc/self/stat); echo $6 $5; set -- $(cat /proc/$$/stat); echo $$";

/// The sides of a new terminal.
fn terminal() -> (OwnedFd, File) {
    let (mut master, mut slave) = (-1, -1);
    let null = std::ptr::null_mut();
    // SAFETY: stores two descriptors; the rest may be null.
    let made =
        unsafe { libc::openpty(&raw mut master, &raw mut slave, null, null.cast(), null.cast()) };
    assert_eq!(made, 0);
    // SAFETY: made by the call before, and owned by nobody.
    let master = unsafe { OwnedFd::from_raw_fd(master) };
    // SAFETY: as above.
    let slave = unsafe { OwnedFd::from_raw_fd(slave) };
    (master, slave.into())
}

/// Makes `terminal` the controlling one of a new session of this process.
fn lead(terminal: &File) {
    rustix::process::setsid().expect("setsid");
    rustix::process::ioctl_tiocsctty(terminal).expect("TIOCSCTTY");
}

/// Not a test: what the program of the next one does.
#[test]
fn inject_input() {
    if std::env::var_os(ACT).is_some() {
        // SAFETY: the kernel reads one byte.
        let put = unsafe { libc::ioctl(0, libc::TIOCSTI, c"x".as_ptr()) };
        std::process::exit(if put == 0 { 10 } else { 11 });
    }
}

/// A program without a terminal of its own leads a session, and cannot reach the caller's terminal,
/// in a user namespace or not; one that is given the terminal keeps the session.
#[test]
fn f11_no_way_to_the_callers_terminal() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            let (master, slave) = terminal();
            lead(&slave);
            let to_tty = "exec < /dev/tty";
            let mut container = shell(to_tty);
            container.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            assert!(!container.status().expect("start").success(), "it reached the terminal");
            container.namespace(Namespace::User).map_zero();
            assert!(!container.status().expect("start").success(), "it reached the terminal");
            container.new_session(false);
            assert!(container.status().expect("start").success(), "the test shows nothing");
            let given = |slave: &File| Stdio::fd(slave.try_clone().expect("clone"));
            let mut container = shell(to_tty);
            container.stdin(given(&slave)).stdout(Stdio::null()).stderr(Stdio::null());
            assert!(container.status().expect("start").success(), "it was given the terminal");
            // In a session of its own it is a file like others, and takes no input from it.
            let mut container = act("inject_input");
            container.stdin(given(&slave)).stdout(Stdio::null()).stderr(Stdio::null());
            container.new_session(true);
            let refused = rustix::thread::capabilities(None).expect("own").effective.is_empty();
            let code = container.status().expect("start").code();
            assert!(code == Some(11) || !refused, "{code:?}");
            // Its end would hang up on this process.
            std::mem::forget(master);
            0
        });
        assert_eq!(code, 0);
    });
}

/// A terminal that is given becomes the controlling one of a session of its own.
#[test]
fn a_terminal_of_its_own() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (_master, slave) = terminal();
        let mut container = shell("exec < /dev/tty && ps -o sid= -p $$ | tr -d ' '");
        container.terminal(slave.try_clone().expect("clone"));
        let process = container.stdout(Stdio::piped()).start().expect("start");
        let pid = process.pid();
        let output = process.wait_with_output().expect("output");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), pid.to_string());
        let mut container = Container::new("true");
        container.terminal(File::open("/dev/null").expect("open"));
        let error = container.start().expect_err("no terminal");
        assert_eq!((error.step(), error.errno()), (Step::Terminal, Some(ns_process::Errno::NOTTY)));
    });
}

/// Session and group as asked for.
#[test]
fn session_and_group() {
    ns_testbed::run_as!([Root, User, Nested], {
        // The leader of a session that the test found may be outside the pid namespace.
        let code = forked(|| {
            let own = rustix::process::setsid().expect("setsid").as_raw_nonzero().get();
            places_in(own);
            0
        });
        assert_eq!(code, 0);
        let told = |container: &Container, said: &str| {
            let error = container.start().expect_err("a mistake");
            assert_eq!((error.step(), error.object()), (Step::Check, Some(said)));
        };
        let said = "process_group: a new session has its own";
        told(Container::new("true").process_group(0).new_session(true), said);
        let null = File::open("/dev/null").expect("open");
        told(
            Container::new("true").terminal(null).new_session(false),
            "terminal: needs a new session",
        );
    });
}

/// Where programs are put by a caller that leads session `own`.
fn places_in(own: i32) {
    let place = |container: &mut Container| {
        let seen = printed(container);
        let mut lines = seen.lines();
        let (place, pid) = (lines.next().expect("a line"), lines.next().expect("a line"));
        let (session, group) = place.split_once(' ').expect("two");
        [session, group, pid].map(|number| number.parse::<i32>().expect("a number"))
    };
    let [session, group, pid] = place(&mut shell(PLACE));
    assert_eq!((session, group), (pid, pid), "a session of its own");
    let [session, group, pid] = place(shell(PLACE).new_session(false));
    assert!(session == own && group == own && pid != own);
    let [session, group, pid] = place(shell(PLACE).process_group(0));
    assert!(session == own && group == pid);
}

/// Nothing blocked and nothing ignored, whatever the caller has; ignored on request.
#[test]
fn f01_mask_and_dispositions_are_default() {
    ns_testbed::run_as!([Root, User, Nested], {
        let code = forked(|| {
            for signal in [libc::SIGPIPE, libc::SIGINT, libc::SIGRTMIN() + 3] {
                // SAFETY: ignores a signal of this process.
                unsafe { libc::signal(signal, libc::SIG_IGN) };
            }
            let blocked = ns_sys::child::SignalSet::EMPTY
                .with(libc::SIGTERM.unsigned_abs())
                .with(libc::SIGCHLD.unsigned_abs())
                .with(32)
                .with(libc::SIGRTMIN().unsigned_abs());
            ns_sys::child::rt_sigprocmask(blocked).expect("block");
            let look = "grep -E '^Sig(Blk|Ign):' /proc/self/status | tr -d '\\t\\n'";
            let mut container = shell(look);
            let none = "0".repeat(16);
            assert_eq!(printed(&container), format!("SigBlk:{none}SigIgn:{none}"));
            container.inherit_ignored();
            let seen = printed(&container);
            let own = std::fs::read_to_string("/proc/self/status").expect("own");
            let own = own.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).expect("a set");
            assert_eq!(seen, format!("SigBlk:{none}SigIgn:{own}"));
            let own = u64::from_str_radix(own, 16).expect("a set");
            assert_ne!(own & 1 << (libc::SIGRTMIN() + 2), 0);
            0
        });
        assert_eq!(code, 0);
    });
}

/// Every signal that the caller is sent is handled once, in the caller.
#[test]
fn f02_no_handler_runs_in_the_child() {
    static IN_CALLER: AtomicU32 = AtomicU32::new(0);
    static ELSEWHERE: AtomicU32 = AtomicU32::new(0);
    static CALLER: AtomicU32 = AtomicU32::new(0);
    extern "C" fn handle(_: i32) {
        let is_caller = ns_sys::child::getpid() == CALLER.load(Ordering::Relaxed);
        let count = if is_caller { &IN_CALLER } else { &ELSEWHERE };
        count.fetch_add(1, Ordering::Relaxed);
    }
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            CALLER.store(std::process::id(), Ordering::Relaxed);
            // SAFETY: the handler touches atomics only.
            unsafe { libc::signal(libc::SIGUSR1, handle as *const () as libc::sighandler_t) };
            let caller = getpid();
            rustix::process::setpgid(None, None).expect("setpgid");
            let storm = std::process::Command::new("sh")
                .process_group(0)
                .args(["-c", "while kill -USR1 -$0; do :; done 2>/dev/null"])
                .arg(caller.as_raw_nonzero().to_string())
                .spawn();
            let mut storm = storm.expect("a storm");
            // A sleep that is interrupted more often than it goes on would not end.
            while IN_CALLER.load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
            let rounds = if std::env::var_os("NS_PROVE").is_some() { 500 } else { 100 };
            let mut container = Container::new("true");
            container.namespaces([Namespace::User, Namespace::Uts]).map_zero();
            // In the caller's group the child gets its share, and has no handler for it.
            container.new_session(false);
            for _ in 0..rounds {
                if let Ok(process) = container.start() {
                    process.join().expect("join");
                }
            }
            storm.kill().expect("kill");
            storm.wait().expect("wait");
            let (here, there) =
                (IN_CALLER.load(Ordering::Relaxed), ELSEWHERE.load(Ordering::Relaxed));
            i32::from(here == 0) + 2 * i32::from(there != 0)
        });
        assert_eq!(code, 0);
    });
}

/// It is the thread: the program dies with the one that started it, though the caller lives; without
/// the wish it does not.
#[test]
fn f05_dies_with_the_thread() {
    ns_testbed::run_as!([Root, User, Nested], {
        let started_by_a_thread = |dies: bool| {
            let mut container = Container::new("sleep");
            container.arg("1000");
            if dies {
                container.die_with_parent();
            }
            std::thread::spawn(move || container.start().expect("start")).join().expect("join")
        };
        let process = started_by_a_thread(true);
        assert_eq!(process.join().expect("join").code(), None);
        assert_eq!(process.exit_code().expect("known"), Some(-9));
        let process = started_by_a_thread(false);
        let left = process.join_timeout(Duration::from_millis(100)).expect("join");
        assert_eq!(left, None, "it lives");
        process.kill().expect("kill");
        process.join().expect("join");
    });
}

/// Whenever the parent is killed, nothing outlives it.
#[test]
fn f06_no_orphan() {
    ns_testbed::run_as!([Root, User], {
        let rounds = if std::env::var_os("NS_PROVE").is_some() { 500 } else { 60 };
        set_child_subreaper(Some(getpid())).expect("subreaper");
        for round in 0..rounds {
            // SAFETY: libc's fork repairs libc's own state; the child does not come back.
            let pid = match unsafe { libc::fork() } {
                0 => start_for_ever(round % 2 == 0),
                pid => Pid::from_raw(pid).expect("fork"),
            };
            std::thread::sleep(Duration::from_micros(round * 331 % 20_000));
            kill_process(pid, Signal::KILL).expect("kill");
            let deadline = Instant::now() + LONG;
            // Whatever is left becomes a child of this process.
            while rustix::process::wait(rustix::process::WaitOptions::empty()).is_ok() {
                assert!(Instant::now() < deadline, "somebody outlives the parent");
            }
            assert!(Instant::now() < deadline, "somebody outlived the parent for long");
        }
        println!("shown: {rounds} parents killed at 0 to 20 ms, 0 orphans");
    });
}

fn start_for_ever(in_pid_namespace: bool) -> ! {
    let mut container = Container::new("sleep");
    container.arg("1000").namespace(Namespace::User).map_zero().die_with_parent();
    if in_pid_namespace {
        container.namespace(Namespace::Pid);
    }
    loop {
        if let Ok(process) = container.start() {
            process.kill().expect("kill");
            process.join().expect("join");
        }
    }
}

/// Another user's program dies as well: the signal is set after the change of ids, which clears it.
#[test]
fn f07_signal_after_the_ids() {
    ns_testbed::run_as!([Root], {
        let mut container = Container::new("sleep");
        container.arg("1000").uid(USER).gid(USER).die_with_parent();
        let process =
            std::thread::spawn(move || container.start().expect("start")).join().expect("join");
        eventually("it dies with its thread", || !process.is_alive().expect("ask"));
        assert_eq!(process.exit_code().expect("known"), Some(-9));
    });
}
