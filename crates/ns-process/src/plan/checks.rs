//! Refuses settings that cannot work together, before any system call.

use ns_sys::{CloneArgs, CloneFlags};
use std::format;
use std::prelude::rust_2024::*;

use super::route::OF_CALLER;
use crate::settings::{Builder, Memory};

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

/// The message begins with the name of the setter.
pub(super) fn all<Kind>(config: &Builder<Kind>) -> Result<(), String> {
    // A setter returns no error: it stores the message.
    config.errors.first().map_or(Ok(()), |message| Err(message.clone()))?;
    flags(config)?;
    shared_directories(config)?;
    // With `CLONE_PARENT`, the kernel would send the signal when the caller's parent terminates.
    let has_other_parent = config.flags.contains(CloneFlags::PARENT);
    refuse(
        has_other_parent && config.session.die_with_parent.is_some(),
        "die_with_parent: CLONE_PARENT gives it another parent",
    )?;
    shared_resources(config)?;
    refuse(
        config.closure.is_some() && config.privileges.seccomp.listener().is_some(),
        "seccomp_listener: a closure would keep the listener",
    )?;
    // The child has one root and one cgroup: the target's or a configured one.
    let from_target = config.join.from_target;
    refuse(
        from_target.root && config.root.has_new_root(),
        "follow_root: conflicts with rootdir, host_root and a mount on /",
    )?;
    refuse(
        !config.pivot_hooks.0.is_empty() && !config.root.has_new_root(),
        "before_pivot: needs a new root",
    )?;
    refuse(from_target.cgroup && config.cgroup.is_some(), "join_cgroup: cgroup is another one")
}

fn refuse(conflict: bool, message: &str) -> Result<(), String> {
    if conflict { Err(message.to_owned()) } else { Ok(()) }
}

fn flags<Kind>(config: &Builder<Kind>) -> Result<(), String> {
    let flags = config.flags | config.namespaces.into();
    if let Some((flag, reason)) = REFUSED.iter().find(|(flag, _)| flags.contains(*flag)) {
        return Err(format!("flags: {flag}: {reason}"));
    }
    // The flags that the start adds itself. `CHILD_CLEARTID` is left out: its pointer is set later.
    let own = CloneFlags::VM | CloneFlags::CLEAR_SIGHAND;
    CloneArgs::new(flags | own).validate().map_err(|rule| format!("flags: {rule}"))
}

/// With `CLONE_FS`, a change of root, working directory or umask would affect the caller, and with `CLONE_IO` a change
/// of the I/O priority.
fn shared_directories<Kind>(config: &Builder<Kind>) -> Result<(), String> {
    let changes = [
        (config.root.path.is_some(), "rootdir"),
        (config.root.workdir.is_some(), "workdir"),
        (config.limits.umask.is_some(), "umask"),
    ];
    let shares = config.flags.contains(CloneFlags::FS);
    let shares_io = config.flags.contains(CloneFlags::IO);
    refuse(
        shares_io && config.scheduling.io_priority.is_some(),
        "io_priority: CLONE_IO shares the caller's own",
    )?;
    match changes.iter().find(|(is_set, _)| shares && *is_set) {
        Some((_, setter)) => Err(format!("{setter}: CLONE_FS shares the caller's own")),
        None => Ok(()),
    }
}

/// With an intermediate process, the child would share its resources and not the caller's.
fn shared_resources<Kind>(config: &Builder<Kind>) -> Result<(), String> {
    let own_memory = config.flags & (OF_CALLER | CloneFlags::FILES | CloneFlags::PTRACE);
    if let Some(flag) = own_memory.iter().next().filter(|_| config.limits.oom_score_adj.is_some()) {
        return Err(format!("oom_score_adj: copies the memory, which {flag} excludes"));
    }
    let joins = config.join.target.is_some() || !config.join.files.is_empty();
    let forks = config.closure.is_some() || !config.child_hooks.is_empty();
    let flag = (config.flags & (OF_CALLER | CloneFlags::FILES)).iter().next();
    match flag.filter(|_| joins || forks || config.memory == Memory::Copied) {
        Some(flag) => Err(format!(
            "flags: {flag}: not possible with a join, a closure, hooks in the child, or Memory::Copied"
        )),
        None => Ok(()),
    }
}
