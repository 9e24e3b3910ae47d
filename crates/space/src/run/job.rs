//! The program as a job: its process group, and what it does about a signal.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;

use ns_process::{Process, Signal};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::group::group_of;

#[derive(Clone, Copy, Debug)]
pub(super) struct Job<'a> {
    pub(super) process: &'a Process,
    /// Where proc is mounted.
    pub(super) proc: &'a Path,
    /// Whether the process is an init, and the program its child.
    pub(super) beside_init: bool,
}

/// What `/proc/PID/status` tells of signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Dispositions {
    /// Whether it is process 1 of a pid namespace other than the caller's.
    is_init: bool,
    /// A bit for each signal that has a handler, is ignored, or is blocked.
    taken: u64,
}

impl Job<'_> {
    pub(super) fn group(&self) -> Option<Pid> {
        let pid = Pid::from_raw(i32::try_from(self.process.pid()).ok()?)?;
        group_of(Some(pid))
    }

    /// Whether the terminal's signals reach it as they reach the caller. A program beside an init stays
    /// with the caller if it was given a terminal.
    pub(super) fn is_in_our_group(&self) -> bool {
        let at_terminal = || {
            let (input, output, errors) = (io::stdin(), io::stdout(), io::stderr());
            input.is_terminal() || output.is_terminal() || errors.is_terminal()
        };
        self.group() == group_of(None) || self.beside_init && at_terminal()
    }

    /// Sends a signal on.
    ///
    /// One that process 1 of a pid namespace has no handler for is dropped by the kernel; then it gets
    /// the one that does the same and cannot be dropped. So does a program that would stop, but leads
    /// a session, whose signals of that kind are dropped too.
    pub(super) fn send(&self, signal: Signal, reached: bool) {
        let told = self.dispositions();
        // An init waits for all of them, and does not show it: waiting unblocks.
        let taken = self.beside_init || told.takes(signal);
        // A program with other ids than ours cannot be signalled: it is on its own.
        if !reached {
            let _ = self.process.signal(signal);
        }
        let dropped = !taken && (told.is_init || signal == Signal::TSTP && !reached);
        if let Some(instead) = default_action(signal).filter(|_| dropped) {
            let _ = self.process.signal(instead);
        }
    }

    /// Whether it has been stopped since this was asked last.
    pub(super) fn has_stopped(&self) -> bool {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        matches!(waitid(WaitId::PidFd(self.process.pidfd()), options), Ok(Some(_)))
    }

    /// Whether it is stopped now, or that is not known.
    pub(super) fn is_stopped(&self) -> bool {
        self.status().is_none_or(|status| field(&status, "State").starts_with('T'))
    }

    fn dispositions(&self) -> Dispositions {
        self.status().map(|text| Dispositions::read(&text)).unwrap_or_default()
    }

    fn status(&self) -> Option<String> {
        let folder = self.proc.join(self.process.pid().to_string());
        fs::read_to_string(folder.join("status")).ok()
    }
}

impl Dispositions {
    fn read(status: &str) -> Self {
        let mask = |name| u64::from_str_radix(field(status, name), 16).unwrap_or(0);
        let inner = field(status, "NSpid").split_whitespace().skip(1).last();
        Self {
            is_init: inner == Some("1"),
            taken: mask("SigBlk") | mask("SigIgn") | mask("SigCgt"),
        }
    }

    fn takes(self, signal: Signal) -> bool {
        let bit = u32::try_from(signal.as_raw() - 1).ok().and_then(|at| 1_u64.checked_shl(at));
        self.taken & bit.unwrap_or(0) != 0
    }
}

/// Of `/proc/PID/status`.
fn field<'a>(status: &'a str, name: &str) -> &'a str {
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.unwrap_or("").trim()
}

/// The signal that does what `signal` does by default, whoever it is sent to.
fn default_action(signal: Signal) -> Option<Signal> {
    match signal {
        Signal::TSTP => Some(Signal::STOP),
        Signal::CONT | Signal::WINCH | Signal::CHILD | Signal::PIPE => None,
        _ => Some(Signal::KILL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_1_of_a_namespace_is_told_from_others() {
        let told = Dispositions::read("NSpid:\t4242\t1\nSigBlk:\t0\nSigIgn:\t4\nSigCgt:\t2\n");
        assert_eq!(told, Dispositions { is_init: true, taken: 6 });
        assert!(told.takes(Signal::INT) && told.takes(Signal::QUIT) && !told.takes(Signal::HUP));
        assert!(!Dispositions::read("NSpid:\t1\n").is_init);
        assert!(!Dispositions::read("NSpid:\t42\t7\n").is_init);
    }
}
