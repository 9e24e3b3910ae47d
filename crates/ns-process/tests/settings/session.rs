//! Sessions, terminals, signals, and the exit of the parent.
#![allow(unsafe_code, reason = "terminals, handlers and a parent that is killed")]

use std::fs::File;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::common::program::{helper_test, is_helper_test};
use crate::common::target::sleep;
use crate::common::{assert_refused, eventually, in_child, printed, rounds, shell};
use ns_process::{Container, Namespace, Stdio, Step};
use ns_testbed::{LONG, USER, forked};
use rustix::process::{Pid, Signal, getpid, kill_process, set_child_subreaper};

/// A shell script that prints session, process group and process ID.
const PRINT_IDS: &str =
    "set -- $(cat /proc/self/stat); echo $6 $5; set -- $(cat /proc/$$/stat); echo $$";

/// Both sides of a new pseudoterminal.
fn terminal() -> (OwnedFd, File) {
    let (mut master, mut slave) = (-1, -1);
    let null = std::ptr::null_mut();
    // SAFETY: stores two descriptors; the rest may be null.
    let made =
        unsafe { libc::openpty(&raw mut master, &raw mut slave, null, null.cast(), null.cast()) };
    assert_eq!(made, 0);
    // SAFETY: the call above made it, and nothing else owns it.
    let master = unsafe { OwnedFd::from_raw_fd(master) };
    // SAFETY: as above.
    let slave = unsafe { OwnedFd::from_raw_fd(slave) };
    (master, slave.into())
}

/// Makes `terminal` the controlling terminal of a new session of this process.
fn lead_session(terminal: &File) {
    rustix::process::setsid().expect("setsid");
    rustix::process::ioctl_tiocsctty(terminal).expect("TIOCSCTTY");
}

/// Not a test: the program of the next test.
#[test]
fn helper_that_pushes_input() {
    if is_helper_test() {
        // SAFETY: the kernel reads one byte.
        let put = unsafe { libc::ioctl(0, libc::TIOCSTI, c"x".as_ptr()) };
        std::process::exit(if put == 0 { 10 } else { 11 });
    }
}

/// A program whose streams are no terminal leads a new session and cannot open the terminal of the caller. A program
/// with the terminal as a stream stays in the session.
#[test]
fn f11_the_terminal_of_the_caller_is_out_of_reach() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            let (master, slave) = terminal();
            lead_session(&slave);
            let open_tty = "exec < /dev/tty";
            let mut container = shell(open_tty);
            container.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            assert!(!container.status().expect("start").success(), "it opened the terminal");
            container.namespace(Namespace::User).map_zero();
            assert!(!container.status().expect("start").success(), "it opened the terminal");
            container.new_session(false);
            assert!(
                container.status().expect("start").success(),
                "the terminal cannot be opened in the session either"
            );
            let given = |slave: &File| Stdio::fd(slave.try_clone().expect("clone"));
            let mut container = shell(open_tty);
            container.stdin(given(&slave)).stdout(Stdio::null()).stderr(Stdio::null());
            assert!(container.status().expect("start").success(), "it cannot open its terminal");
            // In another session the kernel refuses to push input into the terminal.
            let mut container = helper_test(helper_that_pushes_input);
            container.stdin(given(&slave)).stdout(Stdio::null()).stderr(Stdio::null());
            container.new_session(true);
            let refused = rustix::thread::capabilities(None).expect("status").effective.is_empty();
            let code = container.status().expect("start").code();
            assert!(code == Some(11) || !refused, "{code:?}");
            // Closing it would hang up this process.
            std::mem::forget(master);
        });
    });
}

/// `terminal` sets the controlling terminal of a new session.
#[test]
fn a_terminal_becomes_the_controlling_terminal() {
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

/// The program is in the requested session and process group.
#[test]
fn session_and_process_group_are_set() {
    ns_testbed::run_as!([Root, User, Nested], {
        // The leader of the present session may be outside the pid namespace.
        in_child(|| {
            let own = rustix::process::setsid().expect("setsid").as_raw_nonzero().get();
            assert_sessions(own);
        });
        let message =
            "process_group: cannot be combined with a new session, which has its own group";
        assert_refused(Container::new("true").process_group(0).new_session(true), message);
        let null = File::open("/dev/null").expect("open");
        let message = "terminal: needs a new session";
        assert_refused(Container::new("true").terminal(null).new_session(false), message);
    });
}

/// Starts programs from a caller that leads session `own`, and checks their sessions and process groups.
fn assert_sessions(own: i32) {
    let ids = |container: &mut Container| {
        let output = printed(container);
        let mut lines = output.lines();
        let (ids, pid) = (lines.next().expect("a line"), lines.next().expect("a line"));
        let (session, group) = ids.split_once(' ').expect("two");
        [session, group, pid].map(|number| number.parse::<i32>().expect("a number"))
    };
    let [session, group, pid] = ids(&mut shell(PRINT_IDS));
    assert_eq!((session, group), (pid, pid), "it leads a new session");
    let [session, group, pid] = ids(shell(PRINT_IDS).new_session(false));
    assert!(session == own && group == own && pid != own);
    let [session, group, pid] = ids(shell(PRINT_IDS).process_group(0));
    assert!(session == own && group == pid);
}

/// No signal is blocked or ignored in the program, whatever the caller has; `inherit_ignored` keeps ignored signals.
#[test]
fn f01_mask_and_dispositions_of_the_program_are_default() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            for signal in [libc::SIGPIPE, libc::SIGINT, libc::SIGRTMIN() + 3] {
                // SAFETY: ignores a signal of this process.
                unsafe { libc::signal(signal, libc::SIG_IGN) };
            }
            let blocked = [libc::SIGTERM, libc::SIGCHLD, 32, libc::SIGRTMIN()]
                .into_iter()
                .filter_map(ns_sys::Signal::from_raw)
                .collect();
            ns_sys::child::rt_sigprocmask(blocked).expect("block");
            let print = "grep -E '^Sig(Blk|Ign):' /proc/self/status | tr -d '\\t\\n'";
            let mut container = shell(print);
            let none = "0".repeat(16);
            assert_eq!(printed(&container), format!("SigBlk:{none}SigIgn:{none}"));
            container.inherit_ignored();
            let output = printed(&container);
            let own = std::fs::read_to_string("/proc/self/status").expect("status");
            let own = own.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).expect("a set");
            assert_eq!(output, format!("SigBlk:{none}SigIgn:{own}"));
            let own = u64::from_str_radix(own, 16).expect("a set");
            assert_ne!(own & 1 << (libc::SIGRTMIN() + 2), 0);
        });
    });
}

/// A handler of the caller runs in the caller only, while another process sends signals to its process group.
#[test]
fn f02_no_handler_runs_in_a_child_of_the_group() {
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
            let sender = std::process::Command::new("sh")
                .process_group(0)
                .args(["-c", "while kill -USR1 -$0; do :; done 2>/dev/null"])
                .arg(caller.as_raw_nonzero().to_string())
                .spawn();
            let mut sender = sender.expect("a sender of signals");
            // A sleep would be interrupted again and again.
            while IN_CALLER.load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
            let rounds = rounds(500, 100);
            let mut container = Container::new("true");
            container.namespaces([Namespace::User, Namespace::Uts]).map_zero();
            // The child is in the process group of the caller and receives the signals as well.
            container.new_session(false);
            for _ in 0..rounds {
                if let Ok(process) = container.start() {
                    process.join().expect("join");
                }
            }
            sender.kill().expect("kill");
            sender.wait().expect("wait");
            let (here, there) =
                (IN_CALLER.load(Ordering::Relaxed), ELSEWHERE.load(Ordering::Relaxed));
            i32::from(here == 0) + 2 * i32::from(there != 0)
        });
        assert_eq!(code, 0);
    });
}

/// With `die_with_parent` the program is killed when the starting thread exits; without it keeps running.
#[test]
fn f05_the_program_is_killed_with_the_starting_thread() {
    ns_testbed::run_as!([Root, User, Nested], {
        let started_by_a_thread = |die_with_parent: bool| {
            let mut container = sleep();
            if die_with_parent {
                container.die_with_parent();
            }
            std::thread::spawn(move || container.start().expect("start")).join().expect("join")
        };
        let process = started_by_a_thread(true);
        assert_eq!(process.join().expect("join").code(), None);
        assert_eq!(process.exit_code().expect("known"), Some(-9));
        let process = started_by_a_thread(false);
        let left = process.join_timeout(Duration::from_millis(100)).expect("join");
        assert_eq!(left, None, "it is running");
        process.kill().expect("kill");
        process.join().expect("join");
    });
}

/// Whenever the parent is killed, no process outlives it.
#[test]
fn f06_no_process_outlives_a_killed_parent() {
    ns_testbed::run_as!([Root, User], {
        let rounds = rounds(500, 60);
        set_child_subreaper(Some(getpid())).expect("subreaper");
        for round in 0..rounds {
            // SAFETY: libc's fork repairs libc's own state; the child does not return.
            let pid = match unsafe { libc::fork() } {
                0 => start_for_ever(round % 2 == 0),
                pid => Pid::from_raw(pid).expect("fork"),
            };
            std::thread::sleep(Duration::from_micros(round * 331 % 20_000));
            kill_process(pid, Signal::KILL).expect("kill");
            let deadline = Instant::now() + LONG;
            // Orphans become children of this process.
            while rustix::process::wait(rustix::process::WaitOptions::empty()).is_ok() {
                assert!(Instant::now() < deadline, "a process outlives the parent");
            }
            assert!(Instant::now() < deadline, "a process outlived the parent for long");
        }
        println!("shown: {rounds} parents killed at 0 to 20 ms, 0 orphans");
    });
}

fn start_for_ever(in_pid_namespace: bool) -> ! {
    let mut container = sleep();
    container.namespace(Namespace::User).map_zero().die_with_parent();
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

/// A program with another uid is killed as well: the signal is set after the change of IDs, which clears it.
#[test]
fn f07_the_parent_death_signal_is_set_after_the_ids() {
    ns_testbed::run_as!([Root], {
        let mut container = sleep();
        container.uid(USER).gid(USER).die_with_parent();
        let process =
            std::thread::spawn(move || container.start().expect("start")).join().expect("join");
        eventually("it is killed", || !process.is_alive().expect("is_alive"));
        assert_eq!(process.exit_code().expect("known"), Some(-9));
    });
}
