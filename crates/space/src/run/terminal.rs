//! The controlling terminal and its foreground process group.
//!
//! A program in the caller's pid namespace stays in the caller's process group, as it would without `space`, and the
//! terminal sends the signals of its keys to both. In another pid namespace the caller's group has no ID, and a shell
//! there could not restore the foreground group when it exits. In that case the program leads a new group, which
//! becomes the foreground group, and `space` joins that group, so that the signals of keys still reach both.

use std::io::IsTerminal;
use std::os::fd::OwnedFd;

use ns_process::Signal;
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, kill_process_group, setpgid, test_kill_process_group};
use rustix::termios::{tcgetpgrp, tcsetpgrp};

use super::group::{group_of, leads_session};

#[derive(Debug)]
pub(super) struct Terminal {
    file: OwnedFd,
    /// The process group in which `space` was started, if it is visible in the caller's pid namespace.
    caller_group: Option<Pid>,
    /// Whether the program leads a new group, which `space` joins while it is the foreground group.
    new_group: bool,
}

impl Terminal {
    /// Opens the controlling terminal of the caller, if there is one. With `new_group`, the program gets a process
    /// group of its own if `space` is the only user of the terminal.
    pub(super) fn open(new_group: bool) -> Option<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = open(c"/dev/tty", flags, Mode::empty()).ok()?;
        let terminal = Self { file, caller_group: group_of(None), new_group: false };
        Some(Self { new_group: new_group && terminal.is_exclusive(), ..terminal })
    }

    /// Whether `space` runs in the foreground and is not part of a pipeline, whose other programs need the terminal
    /// too. A session leader cannot join another group.
    fn is_exclusive(&self) -> bool {
        let alone = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        alone && self.is_foreground() && !leads_session()
    }

    pub(super) fn uses_new_group(&self) -> bool {
        self.new_group
    }

    /// Returns the foreground process group, if it is visible in the caller's pid namespace.
    pub(super) fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(&self.file).ok()
    }

    /// Makes a child that has not called execve(2) yet the leader of a new foreground group, and joins that group.
    pub(super) fn move_to_group(&self, child: u32) {
        let Some(child) = i32::try_from(child).ok().and_then(Pid::from_raw) else { return };
        if setpgid(Some(child), Some(child)).is_ok() {
            self.set_foreground(child);
            Self::join(child);
        }
    }

    /// Moves `space` into a group.
    fn join(group: Pid) {
        let _ = setpgid(None, Some(group));
    }

    /// Makes `group` the foreground group. SIGTTOU, which would stop a caller in the background, is blocked.
    fn set_foreground(&self, group: Pid) {
        // This fails if the terminal has been hung up.
        let _ = tcsetpgrp(&self.file, group);
    }

    /// Moves `space` back to the process group in which it was started. That group becomes the foreground group of the
    /// terminal if the present one is the program's or has no processes.
    pub(super) fn reclaim(&self, program: Option<Pid>) {
        let Some(caller_group) = self.caller_group else { return };
        if self.has_left_caller_group() {
            Self::join(caller_group);
        }
        let is_over = |group: Pid| {
            Some(group) == program || test_kill_process_group(group) == Err(rustix::io::Errno::SRCH)
        };
        if self.foreground().is_some_and(is_over) {
            self.set_foreground(caller_group);
        }
    }

    /// Sends the signal of a key to the caller's group too, as if `space` had not left it.
    pub(super) fn signal_caller_group(&self, signal: Signal) {
        let caller_group = self.caller_group.filter(|_| self.has_left_caller_group());
        // Signals of keys have names.
        let signal = rustix::process::Signal::from_named_raw(signal.as_raw());
        if let (Some(caller_group), Some(signal)) = (caller_group, signal) {
            // This fails if the group has no processes left.
            let _ = kill_process_group(caller_group, signal);
        }
    }

    /// Makes the program's group the foreground group after a shell has resumed `space` in the foreground.
    pub(super) fn pass_to(&self, group: Pid) {
        if Some(group) != self.caller_group && self.is_foreground() {
            self.set_foreground(group);
            if self.new_group {
                Self::join(group);
            }
        }
    }

    /// Whether the caller's group is the foreground group.
    fn is_foreground(&self) -> bool {
        self.caller_group.is_some() && self.foreground() == self.caller_group
    }

    fn has_left_caller_group(&self) -> bool {
        group_of(None) != self.caller_group
    }
}
