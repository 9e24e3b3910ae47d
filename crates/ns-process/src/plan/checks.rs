//! Refuses settings that cannot work together, before any system call.

use ns_sys::{CloneArgs, CloneFlags};
use std::format;
use std::prelude::rust_2024::*;

use crate::error::Error;
use crate::settings::{Builder, Memory};
use crate::step::Step;

/// Flags that no start accepts, with the reason.
const REFUSED: [(CloneFlags, &str); 8] = [
    (CloneFlags::THREAD, "a thread that executes a program ends the caller"),
    (CloneFlags::SIGHAND, "the program begins with dispositions of its own"),
    (CloneFlags::PIDFD, "the handle has one"),
    (CloneFlags::INTO_CGROUP, "it needs a descriptor: see cgroup"),
    (CloneFlags::SETTLS, "it needs a pointer: use ns-sys"),
    (CloneFlags::PARENT_SETTID, "it needs a pointer: use ns-sys"),
    (CloneFlags::CHILD_SETTID, "it needs a pointer: use ns-sys"),
    (CloneFlags::CHILD_CLEARTID, "it needs a pointer: use ns-sys"),
];

pub(super) fn all<Kind>(config: &Builder<Kind>) -> Result<(), Error> {
    setters(config)?;
    flags(config)?;
    shared_directories(config)?;
    die_with_parent(config)?;
    shared_resources(config)?;
    one_root_and_cgroup(config)
}

/// A setter returns no error: it stores the message.
fn setters<Kind>(config: &Builder<Kind>) -> Result<(), Error> {
    config.errors.first().map_or(Ok(()), |message| Err(invalid(config, message)))
}

fn flags<Kind>(config: &Builder<Kind>) -> Result<(), Error> {
    let flags = config.flags | config.namespaces.into();
    if let Some((flag, reason)) = REFUSED.iter().find(|(flag, _)| flags.contains(*flag)) {
        return Err(invalid(config, format!("flags: {flag}: {reason}")));
    }
    // The flags that the start adds itself. `CHILD_CLEARTID` is left out: its pointer is set later.
    let own = CloneFlags::VM | CloneFlags::CLEAR_SIGHAND;
    let checked = CloneArgs::new(flags | own).validate();
    checked.map_err(|rule| invalid(config, format!("flags: {rule}")))
}

/// With `CLONE_PARENT`, the kernel would send the signal when the caller's parent terminates.
fn die_with_parent<Kind>(config: &Builder<Kind>) -> Result<(), Error> {
    let dies = config.session.die_with_parent.is_some();
    if dies && config.flags.contains(CloneFlags::PARENT) {
        return Err(invalid(config, "die_with_parent: CLONE_PARENT gives it another parent"));
    }
    Ok(())
}

/// With an intermediate process, the child would share its resources and not the caller's.
fn shared_resources<Kind>(config: &Builder<Kind>) -> Result<(), Error> {
    let joins = config.join.target.is_some() || !config.join.files.is_empty();
    let shared = CloneFlags::FS
        | CloneFlags::IO
        | CloneFlags::SYSVSEM
        | CloneFlags::PARENT
        | CloneFlags::FILES;
    let flag = (config.flags & shared).iter().next();
    let forks = config.closure.is_some() || !config.child_hooks.is_empty();
    match flag.filter(|_| joins || forks || config.memory == Memory::Copied) {
        Some(flag) => Err(invalid(
            config,
            format!(
                "flags: {flag}: not possible with an intermediate process, which this start needs"
            ),
        )),
        None => Ok(()),
    }
}

/// The child has one root and one cgroup: the target's or a configured one.
fn one_root_and_cgroup<Kind>(config: &Builder<Kind>) -> Result<(), Error> {
    let from_target = config.join.from_target;
    if from_target.root && config.root.path.is_some() {
        return Err(invalid(config, "follow_root: rootdir is another one"));
    }
    if from_target.cgroup && config.cgroup.is_some() {
        return Err(invalid(config, "join_cgroup: cgroup is another one"));
    }
    Ok(())
}

/// With `CLONE_FS`, a change of root, working directory or umask would affect the caller.
fn shared_directories<Kind>(config: &Builder<Kind>) -> Result<(), Error> {
    let changes = [
        (config.root.path.is_some(), "rootdir"),
        (config.root.workdir.is_some(), "workdir"),
        (config.limits.umask.is_some(), "umask"),
    ];
    let shares = config.flags.contains(CloneFlags::FS);
    match changes.iter().find(|(set, _)| shares && *set) {
        Some((_, setter)) => {
            Err(invalid(config, format!("{setter}: CLONE_FS shares the caller's own")))
        }
        None => Ok(()),
    }
}

fn invalid<Kind>(config: &Builder<Kind>, object: impl Into<String>) -> Error {
    Error::new(&config.name, Step::Check).with_object(object)
}
