//! What a start cannot do, refused before any system call.

use ns_sys::{CloneArgs, CloneFlags};
use std::format;
use std::prelude::rust_2024::*;

use crate::builder::{Builder, Memory};
use crate::error::Error;
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

pub(super) fn all<Kind>(wish: &Builder<Kind>) -> Result<(), Error> {
    setters(wish)?;
    flags(wish)?;
    shared_directories(wish)?;
    another_parent(wish)?;
    not_with_a_middle(wish)?;
    followed(wish)
}

/// What a setter could not take, and remembered.
fn setters<Kind>(wish: &Builder<Kind>) -> Result<(), Error> {
    wish.mistakes.first().map_or(Ok(()), |said| Err(mistake(wish, said)))
}

fn flags<Kind>(wish: &Builder<Kind>) -> Result<(), Error> {
    let flags = wish.flags | wish.namespaces.into();
    if let Some((flag, reason)) = REFUSED.iter().find(|(flag, _)| flags.contains(*flag)) {
        return Err(mistake(wish, format!("flags: {flag}: {reason}")));
    }
    // The start's own flags go along with every other; the pointer of one is given later.
    let own = CloneFlags::VM | CloneFlags::CLEAR_SIGHAND;
    let checked = CloneArgs::new(flags | own).validate();
    checked.map_err(|rule| mistake(wish, format!("flags: {rule}")))
}

/// The signal would come with the death of the caller's parent.
fn another_parent<Kind>(wish: &Builder<Kind>) -> Result<(), Error> {
    let dies = wish.session.die_with_parent.is_some();
    if dies && wish.flags.contains(CloneFlags::PARENT) {
        return Err(mistake(wish, "die_with_parent: CLONE_PARENT gives it another parent"));
    }
    Ok(())
}

/// A process between caller and child would be what the child shares them with.
fn not_with_a_middle<Kind>(wish: &Builder<Kind>) -> Result<(), Error> {
    let joins = wish.join.target.is_some() || !wish.join.files.is_empty();
    let shared = CloneFlags::FS
        | CloneFlags::IO
        | CloneFlags::SYSVSEM
        | CloneFlags::PARENT
        | CloneFlags::FILES;
    let flag = (wish.flags & shared).iter().next();
    let forks = wish.closure.is_some() || !wish.child_hooks.is_empty();
    match flag.filter(|_| joins || forks || wish.memory == Memory::Copied) {
        Some(flag) => Err(mistake(wish, format!("flags: {flag}: not across another process"))),
        None => Ok(()),
    }
}

/// One root and one cgroup each.
fn followed<Kind>(wish: &Builder<Kind>) -> Result<(), Error> {
    let follow = wish.join.follow;
    if follow.root && wish.root.path.is_some() {
        return Err(mistake(wish, "follow_root: rootdir is another one"));
    }
    if follow.cgroup && wish.cgroup.is_some() {
        return Err(mistake(wish, "join_cgroup: cgroup is another one"));
    }
    Ok(())
}

/// The directory, root and mask of a child that shares them are the caller's.
fn shared_directories<Kind>(wish: &Builder<Kind>) -> Result<(), Error> {
    let changes = [
        (wish.root.path.is_some(), "rootdir"),
        (wish.root.workdir.path.is_some(), "workdir"),
        (wish.limits.umask.is_some(), "umask"),
    ];
    let shares = wish.flags.contains(CloneFlags::FS);
    match changes.iter().find(|(set, _)| shares && *set) {
        Some((_, setter)) => {
            Err(mistake(wish, format!("{setter}: CLONE_FS shares the caller's own")))
        }
        None => Ok(()),
    }
}

fn mistake<Kind>(wish: &Builder<Kind>, object: impl Into<String>) -> Error {
    Error::new(&wish.name, Step::Check).with_object(object)
}
