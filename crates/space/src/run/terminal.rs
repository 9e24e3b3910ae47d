//! The controlling terminal, and which process group has it.
//!
//! A program that can see the caller's processes stays in the caller's group, as it would without
//! `space`, and the terminal's keys reach both. In a pid namespace of its own it cannot name that
//! group, and a shell could not give the terminal back at its end. There the program leads a group
//! that it can name, and `space` is a guest in it, so that keys go on reaching both.

use std::io::IsTerminal;
use std::os::fd::OwnedFd;

use ns_process::Signal;
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, kill_process_group, setpgid, test_kill_process_group};
use rustix::termios::{tcgetpgrp, tcsetpgrp};

use super::group::group_of;
use super::signals;

#[derive(Debug)]
pub(super) struct Terminal {
    file: OwnedFd,
    /// The group in which `space` was started, if it can be named: then only is anything lent.
    home: Option<Pid>,
    /// Whether the program leads a group, in which `space` is a guest while that one is in front.
    lent_out: bool,
}

impl Terminal {
    /// That of the caller's session, if it has one; lent out if that is wished and possible.
    pub(super) fn open(lend: bool) -> Option<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = open(c"/dev/tty", flags, Mode::empty()).ok()?;
        let terminal = Self { file, home: group_of(None), lent_out: false };
        Some(Self { lent_out: lend && terminal.is_ours(), ..terminal })
    }

    /// Whether somebody sits there and waits for `space` alone: in a pipeline the other programs need
    /// the terminal too.
    fn is_ours(&self) -> bool {
        let alone = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        alone && self.is_at_home()
    }

    pub(super) fn is_lent_out(&self) -> bool {
        self.lent_out
    }

    /// The group whose input it is, as far as the caller can see that one.
    pub(super) fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(&self.file).ok()
    }

    /// Lets a child that has not been executed lead a group, which gets the terminal and a guest.
    pub(super) fn lend(&self, child: u32) {
        let Some(child) = i32::try_from(child).ok().and_then(Pid::from_raw) else { return };
        if setpgid(Some(child), Some(child)).is_ok() {
            self.give_to(child);
            Self::join(child);
        }
    }

    /// Goes into a group; the caller, if it leads a session, stays where it is.
    fn join(group: Pid) {
        let _ = setpgid(None, Some(group));
    }

    /// Gives it to a group; the caller's own need not have it, which would stop it.
    fn give_to(&self, group: Pid) {
        signals::without(Signal::TTOU, || {
            // It may have been hung up.
            let _ = tcsetpgrp(&self.file, group);
        });
    }

    /// Goes home, and takes the terminal back from the program's group, or from one that has ended.
    pub(super) fn take_back(&self, program: Option<Pid>) {
        let Some(home) = self.home else { return };
        if self.is_away() {
            Self::join(home);
        }
        let gone = |group: Pid| {
            Some(group) == program || test_kill_process_group(group) == Err(rustix::io::Errno::SRCH)
        };
        if self.foreground().is_some_and(gone) {
            self.give_to(home);
        }
    }

    /// A key reaches those with whom `space` was started, as if it had stayed with them.
    pub(super) fn tell_home(&self, signal: Signal) {
        if let Some(home) = self.home.filter(|_| self.is_away()) {
            // Nobody may be left there.
            let _ = kill_process_group(home, signal);
        }
    }

    /// After a shell has put `space` in front: where the program's group is another one, it is meant.
    pub(super) fn give_on_to(&self, group: Pid) {
        if Some(group) != self.home && self.is_at_home() {
            self.give_to(group);
            if self.lent_out {
                Self::join(group);
            }
        }
    }

    /// Whether the group of `space` is in front.
    fn is_at_home(&self) -> bool {
        self.home.is_some() && self.foreground() == self.home
    }

    fn is_away(&self) -> bool {
        group_of(None) != self.home
    }
}
