//! The controlling terminal, and which process group has it.

use std::os::fd::OwnedFd;

use ns_process::Signal;
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, getpgrp, test_kill_process_group};
use rustix::termios::{tcgetpgrp, tcsetpgrp};

use super::signals;

#[derive(Debug)]
pub(super) struct Terminal(OwnedFd);

impl Terminal {
    /// That of the caller's session, if it has one.
    pub(super) fn open() -> Option<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        open(c"/dev/tty", flags, Mode::empty()).ok().map(Self)
    }

    /// The group whose input it is, as far as the caller can see that one.
    pub(super) fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(&self.0).ok()
    }

    /// Gives it to a group; the caller's own need not have it, which would stop it.
    pub(super) fn give_to(&self, group: Pid) {
        signals::without(Signal::TTOU, || {
            // It may have been hung up.
            let _ = tcsetpgrp(&self.0, group);
        });
    }

    /// Takes it back from a group that has ended, or is that of `ended`: a shell in a pid namespace
    /// cannot name the group that it had it from.
    pub(super) fn take_back(&self, ended: Option<Pid>) {
        let gone = |group: Pid| {
            Some(group) == ended || test_kill_process_group(group) == Err(rustix::io::Errno::SRCH)
        };
        if self.foreground().is_some_and(gone) {
            self.give_to(getpgrp());
        }
    }
}
