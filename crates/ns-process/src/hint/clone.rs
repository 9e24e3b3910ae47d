//! Hints for errors of clone3(2).

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::child::getrlimit;
use ns_sys::{Errno, NamespaceFlags};

use super::{for_descriptors, machine};
use crate::resource::Resource;

/// The hint for an error of a clone3 that was to create `kinds`.
pub(crate) fn for_clone(errno: Errno, kinds: NamespaceFlags) -> Option<String> {
    let user = kinds.contains(NamespaceFlags::USER);
    match errno {
        Errno::NOSPC | Errno::USERS => Some(exhausted(kinds)),
        Errno::PERM if kinds.is_empty() => Some(filtered("forbids")),
        Errno::PERM if user => Some(user_refused()),
        Errno::PERM if machine::has_sys_admin() && machine::is_filtered() => Some(contained()),
        Errno::PERM => Some("needs CAP_SYS_ADMIN, or a user namespace".to_owned()),
        Errno::INVAL | Errno::NOMEM if machine::has_unshared_pids() => Some(unshared(errno)),
        Errno::AGAIN => Some(processes()),
        Errno::NOSYS if machine::is_filtered() => Some(filtered("hides")),
        Errno::NOSYS if machine::kernel().is_some_and(|version| version >= (5, 5)) => {
            Some(unknown(kinds))
        }
        Errno::NOSYS => Some("needs Linux 5.5".to_owned()),
        Errno::INVAL => Some(unknown(kinds)),
        Errno::BADF => Some("the cgroup is not a directory of a cgroup2 file system".to_owned()),
        Errno::BUSY => Some("the cgroup has controllers enabled for its children".to_owned()),
        Errno::ACCESS => Some("cgroup.procs of the cgroup may not be written".to_owned()),
        _ => for_descriptors(errno).map(ToOwned::to_owned),
    }
}

/// A new enough kernel knows the flags, but an emulator of system calls may not.
fn unknown(kinds: NamespaceFlags) -> String {
    if machine::kernel().is_none_or(|version| version < (5, 5)) {
        return "the kernel is older than 5.5, or has no such namespaces".to_owned();
    }
    let emulator = "an emulator such as qemu-user, or a tool such as valgrind, refuses it";
    if kinds.is_empty() {
        return format!("{emulator}: they know copied memory, see Builder::memory");
    }
    format!("the kernel has no such namespaces, or {emulator}")
}

fn unshared(errno: Errno) -> String {
    let remedy = "start from a process that it made after that";
    if errno == Errno::NOMEM {
        return format!(
            "the caller has unshared its pid namespace, whose process 1 has ended: {remedy}"
        );
    }
    format!(
        "the caller has unshared its pid namespace, so its children are in another one than itself: {remedy}"
    )
}

fn filtered(verb: &str) -> String {
    format!("a seccomp filter {verb} clone3; let it answer ENOSYS or allow the call")
}

/// The filters of container engines let clone3 fail with `EPERM` or `ENOSYS`, and clone with `EPERM` if
/// it has flags of namespaces.
fn contained() -> String {
    "a seccomp filter of the surrounding container forbids new namespaces: start the container \
     with a filter that allows them"
        .to_owned()
}

/// Names the limits of namespaces(7) that are 0, or all that may be reached.
fn exhausted(kinds: NamespaceFlags) -> String {
    let files: Vec<_> = kinds.kinds().map(machine::limit_file).collect();
    let is_zero = |file: &_| machine::value(file).is_some_and(|value| value == "0");
    if let Some(file) = files.iter().find(|file| is_zero(*file)) {
        return format!("{} is 0: write a larger number there", file.display());
    }
    let reached: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    let reached = reached.join(", ");
    format!(
        "the limit on namespaces is reached, here or in an outer user namespace (see {reached}), or namespaces are nested too deeply"
    )
}

fn user_refused() -> String {
    let forbids = |&(name, allows): &_| machine::sysctl(name).is_some_and(|now| now != allows);
    if let Some((name, allows)) = machine::SWITCHES.into_iter().find(forbids) {
        return format!("only root may create user namespaces here: set {name} to {allows}");
    }
    if machine::is_chrooted() {
        return "the caller is chrooted, and may make no user namespace".to_owned();
    }
    if machine::is_filtered() {
        return contained();
    }
    "the caller is chrooted, its IDs have no mapping, or a security module forbids it".to_owned()
}

fn processes() -> String {
    let soft = getrlimit(Resource::Nproc as u32).ok().map(|(soft, _)| soft);
    let soft = soft.map_or_else(|| "unknown".to_owned(), |soft| soft.to_string());
    format!("RLIMIT_NPROC, which is {soft}, or pids.max of the cgroup is reached")
}
