//! Every signal that `space` receives reaches the program.
#![allow(
    unsafe_code,
    reason = "kill(2) and sigqueue(3) with every number, and setitimer(2) before exec"
)]

#[macro_use]
mod common;
#[path = "common/reporter.rs"]
mod reporter;

use std::os::unix::process::CommandExt;
use std::process::Command;

use common::command;
use reporter::{REPORTER, Reporter};

/// The signals that do not reach a program, with the reason.
const NEVER: [(i32, &str); 2] = [
    (libc::SIGKILL, "it cannot be caught; it kills space, and the program does not outlive space"),
    (libc::SIGSTOP, "it cannot be caught; it stops space"),
];
/// The same under an init.
const NOT_UNDER_INIT: [(i32, &str); 1] =
    [(libc::SIGCHLD, "an init takes it for the exit of a child, for which it always checks")];

const NAMESPACES: [&[&str]; 3] = [&[], &["-pUz"], &["-pUz", "--init"]];

fn reporting(options: &[&str]) -> Reporter {
    let words = [&["execute", "--keep-fd", "201"], options, &[REPORTER]].concat();
    let mut program = Reporter::start(command(&words));
    assert!(program.is_ready());
    program
}

fn kill(pid: i32, signal: i32) {
    // SAFETY: kill takes no pointer. libc's function accepts all numbers.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

#[test]
fn every_signal_that_can_be_caught_reaches_the_program() {
    reporter::open();
    run_space_as!([Root, User, Nested], {
        for options in NAMESPACES {
            let mut program = reporting(options);
            let under_init = options.contains(&"--init");
            let others = if under_init { NOT_UNDER_INIT.as_slice() } else { &[] };
            let excluded: Vec<_> = NEVER.iter().chain(others).map(|(signal, _)| *signal).collect();
            for signal in (1..=64).filter(|signal| !excluded.contains(signal)) {
                kill(program.pid(), signal);
                assert_eq!(program.next().signal, signal, "{options:?}");
            }
        }
    });
}

#[test]
fn the_value_of_sigqueue_reaches_the_program() {
    reporter::open();
    run_space_as!([Root, User, Nested], {
        for options in &NAMESPACES[..2] {
            let mut program = reporting(options);
            for (signal, number) in [(libc::SIGUSR1, 7), (libc::SIGRTMIN() + 3, 8)] {
                let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(number) };
                // SAFETY: the value is passed on as a number.
                assert_eq!(unsafe { libc::sigqueue(program.pid(), signal, value) }, 0);
                let report = program.next();
                assert_eq!((report.signal, report.code), (signal, libc::SI_QUEUE), "{options:?}");
                assert_eq!(report.value, number as u64, "{options:?}");
            }
        }
    });
}

/// Real-time signals are queued: none of several is lost.
#[test]
fn each_real_time_signal_reaches_the_program() {
    reporter::open();
    run_space_as!([User], {
        let mut program = reporting(&[]);
        let signal = libc::SIGRTMAX();
        for _ in 0..20 {
            kill(program.pid(), signal);
        }
        for _ in 0..20 {
            assert_eq!(program.next().signal, signal);
        }
    });
}

/// Just woken from sigtimedwait(2), in which tini(1) waits too, process 1 still has the mask of the wait.
#[test]
fn signals_in_quick_succession_do_not_kill_process_1() {
    reporter::open();
    run_space_as!([Root, User, Nested], {
        for _ in 0..30 {
            let mut program = reporting(&["-pUz"]);
            let mut sent = [libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2, libc::SIGTERM];
            std::thread::sleep(std::time::Duration::from_millis(2));
            for signal in sent {
                kill(program.pid(), signal);
            }
            let mut received = sent.map(|_| program.next().signal);
            received.sort_unstable();
            sent.sort_unstable();
            assert_eq!(received, sent);
        }
    });
}

/// As `perl -e 'alarm 1; exec @ARGV' space execute …` does: the timer outlives exec.
#[test]
fn an_alarm_that_the_caller_has_set_reaches_the_program() {
    run_space_as!([Root, User], {
        // The kernel drops the signal to process 1, so `space` kills that process.
        for (options, status) in [([].as_slice(), 142), (&["-pUz"], 137)] {
            let mut command: Command =
                command(&[&["execute"], options, &["sleep", "1000"]].concat());
            // SAFETY: `set_alarm` makes a system call only.
            unsafe { command.pre_exec(set_alarm) };
            assert_eq!(command.status().expect("run").code(), Some(status), "{options:?}");
        }
    });
}

fn set_alarm() -> std::io::Result<()> {
    let never = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let soon = libc::timeval { tv_sec: 1, tv_usec: 0 };
    let timer = libc::itimerval { it_interval: never, it_value: soon };
    let which = libc::ITIMER_REAL;
    // SAFETY: `timer` is initialised, and a null pointer requests no old value.
    match unsafe { libc::setitimer(which, &raw const timer, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}
