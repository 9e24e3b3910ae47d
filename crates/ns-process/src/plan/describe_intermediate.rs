//! Describes the steps of an init and of an intermediate process.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::CloneFlags;

use super::Plan;
use crate::settings::Init;

impl Plan {
    /// The name of the init in messages.
    pub(crate) fn init_name(&self) -> String {
        let path = self.init.as_ref().and_then(Init::get_path);
        path.map_or_else(|| "the built-in init".to_owned(), |path| path.display().to_string())
    }

    /// The fork of the program's process in pid 1.
    pub(crate) fn describe_fork_program(&self) -> impl Iterator<Item = String> {
        let flags = self.flags_under_init() | CloneFlags::PARENT_SETTID;
        let before = ["rt_sigaction(SIGCHLD, SIG_DFL)", "rt_sigprocmask(all)"];
        let after = ["chdir(\"/\")", "setsid()", "dup3(status, 3, 0)"];
        let clone = [format!("clone3({flags})")];
        before.map(ToOwned::to_owned).into_iter().chain(clone).chain(after.map(ToOwned::to_owned))
    }

    /// The wait of pid 1 for the program.
    pub(crate) fn describe_wait_for_program(&self) -> impl Iterator<Item = String> {
        let is_closure = self.work.closure().is_some();
        let wait = if is_closure { "waitid(program, WNOWAIT)" } else { "wait4(program, __WCLONE)" };
        let wait = ["futex(child_tid, wait)", wait].map(ToOwned::to_owned);
        let close = ["close_range(0, 2, 0)", "close_range(4, 4294967295, 0) but for the init"];
        wait.into_iter().chain(close.map(ToOwned::to_owned))
    }
}

impl Plan {
    /// The first step of an intermediate process of a daemon.
    pub(crate) fn describe_leaving(&self) -> impl Iterator<Item = String> {
        self.daemon.map(|_| "setsid()".to_owned()).into_iter()
    }

    /// The wait of an intermediate process that stays.
    pub(crate) fn describe_staying(&self) -> impl Iterator<Item = String> {
        let is_closure = self.work.closure().is_some() && self.init.is_none();
        let wait = if is_closure { "waitid(child, WNOWAIT)" } else { "wait4(child, __WCLONE)" };
        let calls = ["futex(child_tid, wait)", wait].map(ToOwned::to_owned);
        let calls = self.is_reparented().then_some(calls);
        calls.into_iter().flatten()
    }
}
