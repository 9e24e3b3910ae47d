//! What to do about an errno, from the machine's own state.

use std::format;
use std::fs;
use std::prelude::rust_2024::*;

use ns_sys::{Errno, Namespace, NamespaceFlags};

/// Why clone3 refused to make `kinds`.
pub(crate) fn for_clone(errno: Errno, kinds: NamespaceFlags) -> Option<String> {
    match errno {
        Errno::NOSPC | Errno::USERS => Some(exhausted(kinds)),
        Errno::PERM if kinds.is_empty() => Some("a seccomp filter forbids clone3".to_owned()),
        Errno::PERM if kinds.contains(NamespaceFlags::USER) => Some(user_refused()),
        Errno::PERM => Some("needs CAP_SYS_ADMIN, or a user namespace".to_owned()),
        Errno::AGAIN => Some("RLIMIT_NPROC or the pids cgroup is exhausted".to_owned()),
        Errno::NOSYS => Some("needs Linux 5.5, and no seccomp filter that hides clone3".to_owned()),
        Errno::INVAL => Some("the kernel is older than 5.5, or has no such namespaces".to_owned()),
        _ => for_descriptors(errno).map(ToOwned::to_owned),
    }
}

/// Why a descriptor could not be had.
pub(crate) fn for_descriptors(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::MFILE => Some("RLIMIT_NOFILE is reached"),
        Errno::NFILE => Some("the machine has no more open files: see /proc/sys/fs/file-max"),
        _ => None,
    }
}

/// The limits of namespaces(7) that are 0, or all that may be reached.
fn exhausted(kinds: NamespaceFlags) -> String {
    let files: Vec<String> = kinds.kinds().map(limit_file).collect();
    let zero: Vec<&String> = files.iter().filter(|file| reads(file, "0")).collect();
    if let [file, ..] = zero[..] {
        return format!("{file} is 0: write a larger number there");
    }
    let reached = files.join(", ");
    format!(
        "a limit is reached, here or in an outer user namespace: see {reached}; or nested too deep"
    )
}

fn limit_file(kind: Namespace) -> String {
    format!("/proc/sys/user/max_{kind}_namespaces")
}

fn user_refused() -> String {
    if reads("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        return "user namespaces are for root: set kernel.unprivileged_userns_clone to 1"
            .to_owned();
    }
    "the caller is chrooted, its ids have no mapping, or a security module forbids it".to_owned()
}

fn reads(file: &str, value: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.trim() == value)
}
