//! The program as a job: its process group, and the signals that are sent to it.

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
    /// Whether `process` is an init and the program is its child.
    pub(super) under_init: bool,
}

/// The signal fields of `/proc/PID/status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Dispositions {
    /// Whether the process is process 1 of a pid namespace other than the caller's.
    is_init: bool,
    /// A bit for each signal that has a handler, is ignored, or is blocked.
    handled: u64,
}

impl Job<'_> {
    pub(super) fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.process.pid()).ok()?)
    }

    pub(super) fn group(&self) -> Option<Pid> {
        group_of(Some(self.pid()?))
    }

    /// Whether the terminal sends its signals to the program as well as to `space`.
    ///
    /// A program under an init stays in the caller's group if a standard stream is a terminal.
    pub(super) fn is_in_callers_group(&self) -> bool {
        let at_terminal = || {
            let (input, output, errors) = (io::stdin(), io::stdout(), io::stderr());
            input.is_terminal() || output.is_terminal() || errors.is_terminal()
        };
        self.group() == group_of(None) || self.under_init && at_terminal()
    }

    /// Forwards a signal, unless the terminal has already delivered it.
    ///
    /// The kernel drops a signal to process 1 of a pid namespace that has no handler for it. In that case the process
    /// gets SIGKILL or SIGSTOP, which have the same effect and are not dropped. The same applies to SIGTSTP for a
    /// program that leads a session: its group is orphaned, and the kernel drops stop signals to it.
    pub(super) fn send(&self, signal: Signal, delivered: bool) {
        let dispositions = self.dispositions();
        // An init handles every signal. /proc does not show this, because sigwaitinfo(2) unblocks the signals.
        let handled = self.under_init || dispositions.handles(signal);
        // This fails if the program has changed its user ID. Then `space` cannot signal it.
        if !delivered {
            let _ = self.process.signal(signal);
        }
        let dropped = !handled && (dispositions.is_init || signal == Signal::TSTP && !delivered);
        if let Some(instead) = default_action(signal).filter(|_| dropped) {
            let _ = self.process.signal(instead);
        }
    }

    /// Whether the process has stopped since the last call.
    pub(super) fn has_stopped(&self) -> bool {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        matches!(waitid(WaitId::PidFd(self.process.pidfd()), options), Ok(Some(_)))
    }

    /// Whether the process is stopped, or its state cannot be read.
    pub(super) fn is_stopped(&self) -> bool {
        self.status().is_none_or(|status| field(&status, "State").starts_with('T'))
    }

    fn dispositions(&self) -> Dispositions {
        self.status().map(|text| Dispositions::read(&text)).unwrap_or_default()
    }

    fn status(&self) -> Option<String> {
        let directory = self.proc.join(self.process.pid().to_string());
        fs::read_to_string(directory.join("status")).ok()
    }
}

impl Dispositions {
    fn read(status: &str) -> Self {
        let mask = |name| u64::from_str_radix(field(status, name), 16).unwrap_or(0);
        let inner = field(status, "NSpid").split_whitespace().skip(1).last();
        Self {
            is_init: inner == Some("1"),
            handled: mask("SigBlk") | mask("SigIgn") | mask("SigCgt"),
        }
    }

    fn handles(self, signal: Signal) -> bool {
        let bit = u32::try_from(signal.as_raw() - 1).ok().and_then(|at| 1_u64.checked_shl(at));
        self.handled & bit.unwrap_or(0) != 0
    }
}

/// Returns the value of a field of `/proc/PID/status`.
fn field<'a>(status: &'a str, name: &str) -> &'a str {
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.unwrap_or("").trim()
}

/// Returns the signal that has the default action of `signal` and that the kernel does not drop.
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
    fn process_1_of_a_pid_namespace_is_recognised() {
        let read = Dispositions::read("NSpid:\t4242\t1\nSigBlk:\t0\nSigIgn:\t4\nSigCgt:\t2\n");
        assert_eq!(read, Dispositions { is_init: true, handled: 6 });
        assert!(read.handles(Signal::INT) && read.handles(Signal::QUIT));
        assert!(!read.handles(Signal::HUP));
        assert!(!Dispositions::read("NSpid:\t1\n").is_init);
        assert!(!Dispositions::read("NSpid:\t42\t7\n").is_init);
    }
}
