//! The process of a configuration, or of `exec`.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use ns_process::Builder;
use oci_spec::runtime::{Process, User};
use rustix::process::geteuid;

use super::{capabilities, labels, limits, passwd, scheduling};

/// What the process finds in its container.
pub(crate) struct Environment {
    /// The text of /etc/passwd, empty if there is none.
    passwd: String,
}

impl Environment {
    pub(crate) fn of_root(rootfs: &Path) -> Self {
        // Without the file the user has no home directory; that is no error.
        Self { passwd: passwd::read_in(rootfs).unwrap_or_default() }
    }

    /// In the root of a running process.
    pub(crate) fn of_process(pid: u32) -> Self {
        Self::of_root(Path::new(&format!("/proc/{pid}/root")))
    }
}

/// Sets everything of `process`, except the program and `terminal`.
pub(crate) fn configure<Kind>(
    builder: &mut Builder<Kind>,
    process: &Process,
    environment: &Environment,
) -> Result<()> {
    builder.args(process.args().iter().flatten().skip(1));
    variables(builder, process, environment)?;
    ensure!(
        process.cwd().is_absolute(),
        "process.cwd: {:?} is not absolute",
        process.cwd().display().to_string()
    );
    builder.workdir(process.cwd()).create_workdir();
    user(builder, process.user())?;
    capabilities::set(builder, process)?;
    limits::set(builder, process.rlimits().as_deref().unwrap_or_default())?;
    scheduling::set(builder, process)?;
    labels::set(builder, process)?;
    if process.no_new_privileges() == Some(true) {
        builder.no_new_privs();
    }
    Ok(())
}

/// Sets the variables, and HOME as runc does if it is missing.
fn variables<Kind>(
    builder: &mut Builder<Kind>,
    process: &Process,
    environment: &Environment,
) -> Result<()> {
    builder.env_clear();
    let mut has_home = false;
    for variable in process.env().iter().flatten() {
        let (name, value) = variable
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .with_context(|| format!("process.env: {variable:?} is not NAME=VALUE"))?;
        has_home |= name == "HOME" && !value.is_empty();
        builder.env(name, value);
    }
    if !has_home {
        let home = passwd::home_of(&environment.passwd, process.user().uid());
        builder.env("HOME", home.unwrap_or("/"));
    }
    Ok(())
}

fn user<Kind>(builder: &mut Builder<Kind>, user: &User) -> Result<()> {
    let groups = user.additional_gids().as_deref().unwrap_or_default();
    if groups.is_empty() && !may_set_groups(builder) {
        // The process keeps the groups of the caller, which it may not change.
    } else {
        builder.groups(groups.iter().copied());
    }
    builder.uid(user.uid()).gid(user.gid());
    if let Some(umask) = user.umask() {
        ensure!(umask <= 0o777, "process.user.umask: {umask} is larger than 511 (octal 777)");
        builder.umask(umask);
    }
    Ok(())
}

/// setgroups(2) is denied in a user namespace whose gid map an ordinary user wrote.
fn may_set_groups<Kind>(builder: &Builder<Kind>) -> bool {
    if builder.get_setgroups() == ns_process::Setgroups::Deny {
        return false;
    }
    let own = std::fs::read_to_string("/proc/self/setgroups").unwrap_or_default();
    own.trim_end() != "deny" && (geteuid().is_root() || builder.get_gid_map().is_some())
}
