//! Session, process group, terminal and signals.

use std::format;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::Signal;

use super::Builder;
use crate::in_child;

/// The session and signal settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    /// `None`: a new session, unless a standard stream is a terminal.
    new: Option<bool>,
    group: Option<u32>,
    terminal: Option<Arc<OwnedFd>>,
    pub(crate) die_with_parent: Option<Signal>,
    pub(crate) inherit_ignored: bool,
    /// Whether the controlling terminal is a new one.
    has_console: bool,
}

/// # Session and signals
///
/// The session, process group and controlling terminal of the program, and its signals.
impl<Kind> Builder<Kind> {
    /// Sets whether the program leads a new session, which has no controlling terminal.
    ///
    /// By default it does, unless its descriptor 0, 1 or 2 is a terminal or it has a
    /// [`process_group`](Self::process_group). In the caller's session a program can insert input
    /// into the caller's terminal (CVE-2017-5226), and a user namespace does not prevent that.
    ///
    /// # References
    /// setsid(2), ioctl_tty(2) `TIOCSTI`.
    pub fn new_session(&mut self, new: bool) -> &mut Self {
        self.session.new = Some(new);
        self
    }

    /// Sets the process group of the caller's session that the program joins; 0 is a new group, as
    /// in std.
    ///
    /// By default the program leads the group of its new session, or is in the caller's group. A
    /// process group excludes a new session.
    ///
    /// # Errors
    /// [`Step::ProcessGroup`](crate::Step::ProcessGroup), `EPERM`: the caller's session has no such
    /// group.
    ///
    /// # References
    /// setpgid(2).
    pub fn process_group(&mut self, group: u32) -> &mut Self {
        self.session.group = Some(group);
        self
    }

    /// Sets the controlling terminal of the program, which then leads a new session.
    ///
    /// By default a new session has no controlling terminal.
    ///
    /// # Errors
    /// [`Step::Terminal`](crate::Step::Terminal): `ENOTTY`, the file is no terminal; `EPERM`, it
    /// belongs to another session.
    ///
    /// # References
    /// ioctl_tty(2) `TIOCSCTTY`.
    pub fn terminal(&mut self, terminal: impl Into<OwnedFd>) -> &mut Self {
        self.session.terminal = Some(Arc::new(terminal.into()));
        self
    }

    /// Kills the program when the thread that started it exits, and therefore also when the caller
    /// exits.
    ///
    /// By default the program continues. The signal depends on the *thread*: a program that a pool
    /// thread has started is killed when that thread exits, even if the caller still runs. A
    /// program that gains IDs or capabilities from its file at execve(2) is not killed. Children of
    /// the program are not killed either, unless a new pid namespace ends with it.
    ///
    /// # References
    /// PR_SET_PDEATHSIG(2const).
    #[doc(alias = "daemon")]
    pub fn die_with_parent(&mut self) -> &mut Self {
        self.parent_death_signal(Signal::KILL)
    }

    /// Sends `signal` to the program when the thread that started it exits; see
    /// [`die_with_parent`](Self::die_with_parent).
    ///
    /// # References
    /// PR_SET_PDEATHSIG(2const).
    pub fn parent_death_signal(&mut self, signal: Signal) -> &mut Self {
        self.session.die_with_parent = Some(signal);
        self
    }

    /// Keeps signals ignored that the caller ignores, as nohup(1) needs.
    ///
    /// By default all signals of the program have their default disposition. In both cases no
    /// signal is blocked.
    ///
    /// # References
    /// execve(2), nohup(1).
    pub fn inherit_ignored(&mut self) -> &mut Self {
        self.session.inherit_ignored = true;
        self
    }

    /// Whether the session is new, if that is set.
    pub fn get_new_session(&self) -> Option<bool> {
        self.session.new
    }

    /// The process group, if one is set.
    pub fn get_process_group(&self) -> Option<u32> {
        self.session.group
    }

    /// The signal that the program receives when the thread that started it exits, if a signal is set.
    pub fn get_parent_death_signal(&self) -> Option<Signal> {
        self.session.die_with_parent
    }

    /// Whether ignored signals stay ignored.
    pub fn get_inherit_ignored(&self) -> bool {
        self.session.inherit_ignored
    }
}

impl Session {
    /// Checks the settings, and resolves whether the session is new where a setting implies it. An
    /// error begins with the name of the setter. The intermediate process of a daemon has already
    /// created a session.
    pub(crate) fn checked(&self, is_daemon: bool, has_console: bool) -> Result<Self, String> {
        let (new, grouped) = (self.new, self.group.is_some());
        let terminal = self.has_terminal() || has_console;
        if grouped && (new == Some(true) || terminal) {
            return Err(
                "process_group: cannot be combined with a new session, which has its own group"
                    .to_owned(),
            );
        }
        if terminal && new == Some(false) {
            let setter = if has_console { "console" } else { "terminal" };
            return Err(format!("{setter}: needs a new session"));
        }
        let implied = if terminal { Some(true) } else { (grouped || is_daemon).then_some(false) };
        Ok(Self { new: new.or(implied), has_console, ..self.clone() })
    }

    pub(crate) fn has_terminal(&self) -> bool {
        self.terminal.is_some()
    }

    /// The view for the child; `has_terminal`: a standard stream of the program is a terminal. `console` is the number of a
    /// new terminal.
    pub(crate) fn child<'a>(
        &'a self,
        has_terminal: bool,
        console: Option<BorrowedFd<'a>>,
    ) -> in_child::Session<'a> {
        in_child::Session {
            new: self.new.unwrap_or(!has_terminal),
            group: self.group,
            terminal: self.terminal.as_ref().map(|terminal| terminal.as_fd()).or(console),
            die_with_parent: self.die_with_parent,
        }
    }

    pub(crate) fn describe(&self) -> impl Iterator<Item = String> {
        let session = match self.new {
            Some(true) => Some("setsid()".to_owned()),
            Some(false) => None,
            None => Some("setsid() unless 0, 1 or 2 is a terminal".to_owned()),
        };
        let group = self.group.map(|group| format!("setpgid(0, {group})"));
        let terminal = self.terminal.as_ref();
        let terminal =
            terminal.map(|file| format!("ioctl(descriptor {}, TIOCSCTTY, 0)", file.as_raw_fd()));
        let console = self.has_console.then(|| "ioctl(terminal, TIOCSCTTY, 0)".to_owned());
        session.into_iter().chain(group).chain(terminal).chain(console)
    }

    pub(crate) fn describe_death(&self) -> impl Iterator<Item = String> {
        let signal = self.die_with_parent;
        let lines = signal.map(|signal| {
            [format!("prctl(PR_SET_PDEATHSIG, {signal})"), "ppoll(starting thread)".to_owned()]
        });
        lines.into_iter().flatten()
    }
}
