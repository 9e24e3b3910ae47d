//! A pid 1 beside the program.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::{CloneFlags, NamespaceFlags};

use super::Plan;
use crate::builder::{Builder, Init};

/// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
pub(super) fn checked<Kind>(
    config: &Builder<Kind>,
    namespaces: NamespaceFlags,
) -> Result<Option<Init>, String> {
    if config.init.is_none() {
        return Ok(None);
    }
    if !namespaces.contains(NamespaceFlags::PID) {
        return Err("init: needs a new pid namespace".to_owned());
    }
    let shared = config.flags & (CloneFlags::FS | CloneFlags::FILES);
    match shared.iter().next() {
        Some(flag) => Err(format!("init: {flag} would share the caller's with it")),
        None => Ok(config.init.clone()),
    }
}

impl Plan {
    /// The flags of the clone that pid 1 makes for the program: the namespaces are new already. Code of the
    /// caller's gets memory of its own.
    pub(crate) fn flags_under_init(&self) -> CloneFlags {
        let apart = CloneFlags::VM | CloneFlags::CHILD_CLEARTID;
        let apart = if self.forks() { apart } else { CloneFlags::empty() };
        self.flags - CloneFlags::from(self.namespaces()) - CloneFlags::PARENT - apart
    }

    /// In messages.
    pub(super) fn init_name(&self) -> String {
        let path = self.init.as_ref().and_then(Init::get_path);
        path.map_or_else(|| "the built-in init".to_owned(), |path| path.display().to_string())
    }

    /// What pid 1 does when both part.
    pub(super) fn describe_fork_program(&self) -> impl Iterator<Item = String> {
        let flags = self.flags_under_init() | CloneFlags::PARENT_SETTID;
        let before = ["rt_sigaction(SIGCHLD, SIG_DFL)", "rt_sigprocmask(all)"];
        let after = ["chdir(\"/\")", "setsid()", "dup3(status, 3, 0)"];
        let clone = [format!("clone3({flags})")];
        before.map(ToOwned::to_owned).into_iter().chain(clone).chain(after.map(ToOwned::to_owned))
    }

    /// What it does before its last steps.
    pub(super) fn describe_wait_for_program(&self) -> impl Iterator<Item = String> {
        let is_closure = self.work.closure().is_some();
        let wait = if is_closure { "waitid(program, WNOWAIT)" } else { "wait4(program, __WCLONE)" };
        let wait = ["futex(child_tid, wait)", wait].map(ToOwned::to_owned);
        let close = ["close_range(0, 2, 0)", "close_range(4, 4294967295, 0) but for the init"];
        wait.into_iter().chain(close.map(ToOwned::to_owned))
    }
}
