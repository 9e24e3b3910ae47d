//! The program as a job: its process group, and the signals that are sent to it.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use ns_process::{Process, Signal};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::default_action::DefaultAction;
use super::dispositions::{self, Disposition};
use super::group::{group_of, leads_session};
use super::proc_pid::{field, pid_in};
use super::queued::{self, Queued};

#[derive(Clone, Copy, Debug)]
pub(super) struct Job<'a> {
    pub(super) process: &'a Process,
    /// Where proc is mounted.
    pub(super) proc: &'a Path,
    /// Whether `process` is an init and the program is its child.
    pub(super) under_init: bool,
    /// Whether `process` is process 1 of a new pid namespace.
    pub(super) is_init: bool,
}

/// How a signal came to `space`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// Whether the kernel sent it because of a key, or of a use of the terminal in the background.
    pub(super) is_key: bool,
    /// Whether the program has received it too.
    pub(super) delivered: bool,
}

impl Origin {
    /// The signal was sent to `space` alone.
    pub(super) const ALONE: Self = Self { is_key: false, delivered: false };
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
    /// gets SIGKILL or SIGSTOP, which have the same effect and are not dropped. The same applies to the stop signals of
    /// a terminal for a program that leads a session: its group is orphaned, and the kernel drops them. Returns true
    /// then.
    pub(super) fn send(&self, signal: Signal, value: Option<Queued>, origin: Origin) -> bool {
        let instead = self.instead_of(signal, origin);
        if !origin.delivered {
            self.deliver(signal, value);
        }
        if let Some(instead) = instead {
            let _ = self.process.signal(instead);
        }
        instead.is_some()
    }

    /// Returns the signal to send in addition to one that the kernel drops.
    ///
    /// If the disposition cannot be read, only INT, QUIT and the stop signals of a terminal count as dropped: there is
    /// no other key that ends a program.
    fn instead_of(&self, signal: Signal, Origin { is_key, delivered }: Origin) -> Option<Signal> {
        let action = DefaultAction::of(signal);
        let instead = action.forced().filter(|_| !self.under_init)?;
        let is_stop = action == DefaultAction::Stop;
        let directory = self.directory();
        let is_init = self.is_init || directory.as_deref().is_some_and(dispositions::is_init);
        // The shell that could continue a session leader is outside the session.
        let may_drop =
            if is_stop && delivered { is_init && !leads_session() } else { is_init || is_stop };
        if !may_drop {
            return None;
        }
        let disposition = directory.map(|path| Disposition::read(&path, signal));
        let is_dropped = match disposition.unwrap_or(Disposition::Unknown) {
            Disposition::Handled => false,
            Disposition::Default => true,
            Disposition::Unknown => {
                is_key && (is_stop || [Signal::INT, Signal::QUIT].contains(&signal))
            }
        };
        is_dropped.then_some(instead)
    }

    fn deliver(&self, signal: Signal, value: Option<Queued>) {
        let sent = value.is_some_and(|value| queued::send(self.process.pidfd(), signal, value));
        if !sent {
            // This fails if the program has changed its user ID. Then `space` cannot signal it.
            let _ = self.process.signal(signal);
        }
    }

    /// Returns the signal by which the process has stopped since the last call.
    pub(super) fn stopped_by(&self) -> Option<Signal> {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        let status = waitid(WaitId::PidFd(self.process.pidfd()), options).ok()??;
        Signal::from_raw(status.stopping_signal()?)
    }

    /// Whether the process is stopped, or its state cannot be read.
    pub(super) fn is_stopped(&self) -> bool {
        let status = self.directory().and_then(|path| fs::read_to_string(path.join("status")).ok());
        status.is_none_or(|status| field(&status, "State").starts_with('T'))
    }

    /// Returns the directory of the process in proc.
    fn directory(&self) -> Option<PathBuf> {
        Some(self.proc.join(pid_in(self.proc, self.process)?.to_string()))
    }
}
