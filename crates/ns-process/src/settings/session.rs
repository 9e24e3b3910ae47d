//! Session, process group, terminal, and the death of the parent.

use std::format;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::Signal;

use super::Builder;
use crate::in_child;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionConfig {
    /// `None`: a new one unless a terminal is passed.
    pub(crate) new: Option<bool>,
    pub(crate) group: Option<u32>,
    pub(crate) terminal: Option<Arc<OwnedFd>>,
    pub(crate) die_with_parent: Option<Signal>,
    pub(crate) inherit_ignored: bool,
}

impl<Kind> Builder<Kind> {
    /// Whether the program leads a session of its own, without a terminal.
    ///
    /// By default it does unless one of its 0, 1 and 2 is a terminal, or it has a
    /// [`process_group`](Self::process_group): with the caller's session it can put input into the
    /// caller's terminal (CVE-2017-5226), and a user namespace does not keep it from that.
    ///
    /// # References
    /// setsid(2), ioctl_tty(2) `TIOCSTI`.
    pub fn new_session(&mut self, new: bool) -> &mut Self {
        self.session.new = Some(new);
        self
    }

    /// The process group of the caller's session that it joins; 0 is a new one, as in std.
    ///
    /// # Errors
    /// [`Step::ProcessGroup`](crate::Step::ProcessGroup), `EPERM`: no such group in the caller's session.
    ///
    /// # References
    /// setpgid(2).
    pub fn process_group(&mut self, group: u32) -> &mut Self {
        self.session.group = Some(group);
        self
    }

    /// A terminal that becomes the controlling one of the program's own session.
    ///
    /// # Errors
    /// [`Step::Terminal`](crate::Step::Terminal): `ENOTTY`, it is none; `EPERM`, another session has
    /// it.
    ///
    /// # References
    /// ioctl_tty(2) `TIOCSCTTY`.
    pub fn terminal(&mut self, terminal: impl Into<OwnedFd>) -> &mut Self {
        self.session.terminal = Some(Arc::new(terminal.into()));
        self
    }

    /// The program is killed when the thread that started it ends, also when the whole caller does.
    ///
    /// It is the *thread*: a program started from a thread of a pool dies with that thread, though the
    /// caller lives. A program that gets other ids or capabilities from its file when it is executed
    /// is not killed. One that forks does not take its children along; a pid namespace does.
    ///
    /// # References
    /// PR_SET_PDEATHSIG(2const).
    #[doc(alias = "daemon")]
    pub fn die_with_parent(&mut self) -> &mut Self {
        self.parent_death_signal(Signal::KILL)
    }

    /// As [`die_with_parent`](Self::die_with_parent), by another signal.
    ///
    /// # References
    /// PR_SET_PDEATHSIG(2const).
    pub fn parent_death_signal(&mut self, signal: Signal) -> &mut Self {
        self.session.die_with_parent = Some(signal);
        self
    }

    /// Signals that the caller ignores stay ignored, as nohup(1) needs it. By default the program
    /// begins with the default disposition for all, and in any case with none blocked.
    ///
    /// # References
    /// execve(2), nohup(1).
    pub fn inherit_ignored(&mut self) -> &mut Self {
        self.session.inherit_ignored = true;
        self
    }

    /// Whether the session is new, if that was set.
    pub fn get_new_session(&self) -> Option<bool> {
        self.session.new
    }

    /// The process group, if one is set.
    pub fn get_process_group(&self) -> Option<u32> {
        self.session.group
    }

    /// The signal for the end of the starting thread, if one is set.
    pub fn get_parent_death_signal(&self) -> Option<Signal> {
        self.session.die_with_parent
    }

    /// Whether ignored signals stay ignored.
    pub fn get_inherit_ignored(&self) -> bool {
        self.session.inherit_ignored
    }
}

/// What the child will belong to.
#[derive(Debug)]
pub(crate) struct Session {
    /// `None`: unless a terminal is passed.
    new: Option<bool>,
    group: Option<u32>,
    terminal: Option<Arc<OwnedFd>>,
    die_with_parent: Option<Signal>,
    pub(crate) inherit_ignored: bool,
}

impl Session {
    /// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
    /// What a daemon is made by has left the caller's session already.
    pub(crate) fn new(config: &SessionConfig, is_daemon: bool) -> Result<Self, String> {
        let (new, grouped, terminal) =
            (config.new, config.group.is_some(), config.terminal.is_some());
        if grouped && (new == Some(true) || terminal) {
            return Err("process_group: a new session has its own".to_owned());
        }
        if terminal && new == Some(false) {
            return Err("terminal: needs a new session".to_owned());
        }
        let told = if terminal { Some(true) } else { (grouped || is_daemon).then_some(false) };
        Ok(Self {
            new: new.or(told),
            inherit_ignored: config.inherit_ignored,
            group: config.group,
            terminal: config.terminal.clone(),
            die_with_parent: config.die_with_parent,
        })
    }

    /// `has_terminal` is whether the program's 0, 1 or 2 is one.
    pub(crate) fn child(&self, has_terminal: bool) -> in_child::Session<'_> {
        in_child::Session {
            new: self.new.unwrap_or(!has_terminal),
            group: self.group,
            terminal: self.terminal.as_ref().map(|terminal| terminal.as_fd()),
            die_with_parent: self.die_with_parent.map(|signal| signal.as_raw().unsigned_abs()),
        }
    }

    /// Whether the child has to know the thread that started it.
    pub(crate) fn watches_parent(&self) -> bool {
        self.die_with_parent.is_some()
    }

    pub(crate) fn describe(&self) -> impl Iterator<Item = String> {
        let session = match self.new {
            Some(true) => Some("setsid()".to_owned()),
            Some(false) => None,
            None => Some("setsid() unless 0, 1 or 2 is a terminal".to_owned()),
        };
        let group = self.group.map(|group| format!("setpgid(0, {group})"));
        let terminal = self.terminal.as_ref();
        let terminal = terminal.map(|file| format!("ioctl({}, TIOCSCTTY, 0)", file.as_raw_fd()));
        session.into_iter().chain(group).chain(terminal)
    }

    pub(crate) fn describe_death(&self) -> impl Iterator<Item = String> {
        let signal = self.die_with_parent.map(Signal::as_raw);
        let lines = signal.map(|signal| {
            [format!("prctl(PR_SET_PDEATHSIG, {signal})"), "ppoll(starting thread)".to_owned()]
        });
        lines.into_iter().flatten()
    }
}
