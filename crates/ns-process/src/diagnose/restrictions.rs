//! The sysctls, filters and other restrictions of the caller.

use std::prelude::rust_2024::*;

use super::Finding;
use crate::hint::machine;

pub(super) fn all() -> impl Iterator<Item = Finding> {
    switches().chain([filter(), no_new_privs(), root()])
}

fn switches() -> impl Iterator<Item = Finding> {
    machine::SWITCHES.into_iter().filter_map(|(name, allows)| {
        let value = machine::value(machine::sysctl(name))?;
        let found = Finding::new(name, value == allows, value);
        Some(found.advise(std::format!("set it to {allows}")))
    })
}

fn filter() -> Finding {
    let filtered = machine::is_filtered();
    let detail = if filtered { "a filter is in force" } else { "no filter" };
    Finding::new("seccomp", !filtered, detail).advise("see what it allows")
}

fn no_new_privs() -> Finding {
    let set = machine::status("NoNewPrivs").is_some_and(|set| set == "1");
    Finding::new("no_new_privs", !set, if set { "set" } else { "not set" })
        .advise("newuidmap and newgidmap gain nothing while it is")
}

fn root() -> Finding {
    let chrooted = machine::is_chrooted();
    let detail = if chrooted { "changed by chroot" } else { "that of the mount namespace" };
    Finding::new("root", !chrooted, detail).advise("a chrooted caller makes no user namespace")
}
