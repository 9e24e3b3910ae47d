//! A program that has left the caller.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::CloneFlags;

use super::Plan;
use crate::builder::{Builder, Daemon};

/// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
pub(super) fn checked<Kind>(config: &Builder<Kind>) -> Result<Option<Daemon>, String> {
    let Some(daemon) = config.daemon else { return Ok(None) };
    if config.session.die_with_parent.is_some() {
        return Err("daemonize: die_with_parent is set as well".to_owned());
    }
    if config.lifetime.kill_on_drop {
        return Err("daemonize: kill_on_drop is set as well".to_owned());
    }
    if config.flags.contains(CloneFlags::PARENT) {
        return Err(format!("daemonize: {} gives it another parent", CloneFlags::PARENT));
    }
    Ok(Some(daemon))
}

impl Plan {
    /// Whether it is not the caller's child: the process between stays until it is executed.
    pub(crate) fn is_reparented(&self) -> bool {
        self.daemon == Some(Daemon::OfInit)
    }

    /// What the process between does first.
    pub(super) fn describe_leaving(&self) -> impl Iterator<Item = String> {
        self.daemon.map(|_| "setsid()".to_owned()).into_iter()
    }

    /// What it stays for.
    pub(super) fn describe_staying(&self) -> impl Iterator<Item = String> {
        let is_closure = self.work.closure().is_some() && self.init.is_none();
        let wait = if is_closure { "waitid(child, WNOWAIT)" } else { "wait4(child, __WCLONE)" };
        let calls = ["futex(child_tid, wait)", wait].map(ToOwned::to_owned);
        let calls = self.is_reparented().then_some(calls);
        calls.into_iter().flatten()
    }
}
