//! What a start cannot do, refused before any system call.

use ns_sys::{CloneArgs, CloneFlags};
use std::format;
use std::prelude::rust_2024::*;

use crate::error::Error;
use crate::settings::{Builder, Memory};
use crate::step::Step;

/// Flags that no start of a program keeps, with the reason.
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
    another_parent(config)?;
    not_with_an_intermediate(config)?;
    followed(config)
}

/// What a setter could not take, and remembered.
fn setters<Kind>(config: &Builder<Kind>) -> Result<(), Error> {
    config.errors.first().map_or(Ok(()), |message| Err(invalid(config, message)))
}

fn flags<Kind>(config: &Builder<Kind>) -> Result<(), Error> {
    let flags = config.flags | config.namespaces.into();
    if let Some((flag, reason)) = REFUSED.iter().find(|(flag, _)| flags.contains(*flag)) {
        return Err(invalid(config, format!("flags: {flag}: {reason}")));
    }
    // The start's own flags go along with every other; the pointer of one is given later.
    let own = CloneFlags::VM | CloneFlags::CLEAR_SIGHAND;
    let checked = CloneArgs::new(flags | own).validate();
    checked.map_err(|rule| invalid(config, format!("flags: {rule}")))
}

/// The signal would come with the death of the caller's parent.
fn another_parent<Kind>(config: &Builder<Kind>) -> Result<(), Error> {
    let dies = config.session.die_with_parent.is_some();
    if dies && config.flags.contains(CloneFlags::PARENT) {
        return Err(invalid(config, "die_with_parent: CLONE_PARENT gives it another parent"));
    }
    Ok(())
}

/// A process between caller and child would be what the child shares them with.
fn not_with_an_intermediate<Kind>(config: &Builder<Kind>) -> Result<(), Error> {
    let joins = config.join.target.is_some() || !config.join.files.is_empty();
    let shared = CloneFlags::FS
        | CloneFlags::IO
        | CloneFlags::SYSVSEM
        | CloneFlags::PARENT
        | CloneFlags::FILES;
    let flag = (config.flags & shared).iter().next();
    let forks = config.closure.is_some() || !config.child_hooks.is_empty();
    match flag.filter(|_| joins || forks || config.memory == Memory::Copied) {
        Some(flag) => Err(invalid(config, format!("flags: {flag}: not across another process"))),
        None => Ok(()),
    }
}

/// One root and one cgroup each.
fn followed<Kind>(config: &Builder<Kind>) -> Result<(), Error> {
    let from_target = config.join.from_target;
    if from_target.root && config.root.path.is_some() {
        return Err(invalid(config, "follow_root: rootdir is another one"));
    }
    if from_target.cgroup && config.cgroup.is_some() {
        return Err(invalid(config, "join_cgroup: cgroup is another one"));
    }
    Ok(())
}

/// The directory, root and mask of a child that shares them are the caller's.
fn shared_directories<Kind>(config: &Builder<Kind>) -> Result<(), Error> {
    let changes = [
        (config.root.path.is_some(), "rootdir"),
        (config.root.workdir.path.is_some(), "workdir"),
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
