//! Session, process group, terminal, and the death of the parent.

use std::format;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::Signal;

use crate::builder::Session as Wish;
use crate::in_child;

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
    pub(super) fn new(config: &Wish, is_daemon: bool) -> Result<Self, String> {
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

    pub(super) fn describe(&self) -> impl Iterator<Item = String> {
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

    pub(super) fn describe_death(&self) -> impl Iterator<Item = String> {
        let signal = self.die_with_parent.map(Signal::as_raw);
        let lines = signal.map(|signal| {
            [format!("prctl(PR_SET_PDEATHSIG, {signal})"), "ppoll(starting thread)".to_owned()]
        });
        lines.into_iter().flatten()
    }
}
