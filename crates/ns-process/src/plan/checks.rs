//! What a start cannot do, refused before any system call.

use ns_sys::{CloneArgs, CloneFlags, NamespaceFlags};

use crate::builder::Builder;
use crate::error::Error;
use crate::step::Step;

/// Flags that no start keeps, with the reason.
const REFUSED: &[(CloneFlags, &str)] = &[
    (CloneFlags::THREAD, "a thread cannot execute a program without ending the caller"),
    (CloneFlags::SIGHAND, "the child's dispositions go back to their defaults"),
    (CloneFlags::DETACHED, "clone3 refuses it"),
    (CloneFlags::PARENT, "the child is the caller's own"),
    (CloneFlags::FS, "the child's root and directory are its own"),
    (CloneFlags::FILES, "the child's descriptors are its own"),
    (CloneFlags::SETTLS, "it needs a pointer: use ns-sys"),
    (CloneFlags::PARENT_SETTID, "it needs a pointer: use ns-sys"),
    (CloneFlags::CHILD_SETTID, "it needs a pointer: use ns-sys"),
    (CloneFlags::CHILD_CLEARTID, "it needs a pointer: use ns-sys"),
    (CloneFlags::PIDFD, "the handle has one"),
    (CloneFlags::INTO_CGROUP, "it needs a descriptor"),
];

pub(super) fn all<Kind>(wish: &Builder<Kind>) -> Result<(), Error> {
    flags(wish)?;
    maps(wish)?;
    mount_proc(wish)
}

fn flags<Kind>(wish: &Builder<Kind>) -> Result<(), Error> {
    let flags = wish.flags | wish.namespaces.into();
    if let Err(rule) = CloneArgs::new(flags - pointers()).validate() {
        return Err(mistake(wish, format!("flags: {rule}")));
    }
    match REFUSED.iter().find(|(flag, _)| flags.contains(*flag)) {
        Some((flag, reason)) => Err(mistake(wish, format!("flags: {flag}: {reason}"))),
        None => Ok(()),
    }
}

/// Flags whose pointer the builder cannot give; they are refused for that, not for lacking it.
fn pointers() -> CloneFlags {
    CloneFlags::PARENT_SETTID
        | CloneFlags::CHILD_SETTID
        | CloneFlags::CHILD_CLEARTID
        | CloneFlags::PIDFD
}

fn maps<Kind>(wish: &Builder<Kind>) -> Result<(), Error> {
    let mapped = wish.uid_map.is_some() || wish.gid_map.is_some();
    let user = wish.get_namespaces().contains(NamespaceFlags::USER);
    require(wish, !mapped || user, "map_zero: needs a new user namespace")
}

fn mount_proc<Kind>(wish: &Builder<Kind>) -> Result<(), Error> {
    let needed = NamespaceFlags::PID | NamespaceFlags::MNT;
    let given = wish.get_namespaces().contains(needed);
    require(wish, !wish.mount_proc || given, "mount_proc: needs new pid and mnt namespaces")
}

fn require<Kind>(wish: &Builder<Kind>, holds: bool, object: &str) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(mistake(wish, object)) }
}

fn mistake<Kind>(wish: &Builder<Kind>, object: impl Into<String>) -> Error {
    Error::new(&wish.name, Step::Check).with_object(object)
}
