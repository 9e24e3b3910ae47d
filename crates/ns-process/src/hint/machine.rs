//! The sysctls and limits of this machine.

use std::format;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;
use std::sync::OnceLock;

use ns_sys::{Errno, Namespace};
use rustix::fs::{Mode, OFlags, openat};
use rustix::thread::{CapabilitySet, capabilities};

use crate::mountinfo::mounts;
use crate::proc_dir;

/// The content of a file with one value.
pub(crate) fn value(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// The first two numbers of the kernel's version.
pub(crate) fn kernel() -> Option<(u32, u32)> {
    static KNOWN: OnceLock<Option<(u32, u32)>> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        let uname = rustix::system::uname();
        let release = uname.release().to_string_lossy();
        let mut numbers = release.split(|byte: char| !byte.is_ascii_digit()).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    })
}

/// The limit of namespaces of a kind.
pub(crate) fn limit_file(kind: Namespace) -> PathBuf {
    PathBuf::from(format!("/proc/sys/user/max_{kind}_namespaces"))
}

/// The sysctl with which AppArmor denies capabilities in new user namespaces of unprivileged users.
const APPARMOR: &str = "kernel.apparmor_restrict_unprivileged_userns";

/// The sysctls that restrict user namespaces of unprivileged users, with the value that allows them.
pub(crate) const SWITCHES: [(&str, &str); 2] =
    [("kernel.unprivileged_userns_clone", "1"), (APPARMOR, "0")];

/// The advice for a new user namespace without capabilities.
pub(crate) fn apparmor_advice() -> Option<String> {
    let restricts = sysctl(APPARMOR).is_some_and(|present| present != "0");
    restricts.then(|| {
        format!(
            "AppArmor takes all capabilities in the user namespaces of unprivileged users: set {APPARMOR} to 0, \
             or give the program a profile that allows userns"
        )
    })
}

/// The value of a sysctl; `None` if the kernel does not have it.
pub(crate) fn sysctl(name: &str) -> Option<String> {
    value(Path::new("/proc/sys").join(name.replace('.', "/")))
}

/// A field of the caller's own `/proc/self/status`.
pub(crate) fn status(field: &str) -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    proc_dir::field(&status, field).map(ToOwned::to_owned)
}

/// Whether a seccomp filter is in force for the caller.
pub(crate) fn is_filtered() -> bool {
    status("Seccomp").is_some_and(|mode| mode == "2")
}

/// Whether the calling thread has `CAP_SYS_ADMIN` in its user namespace.
pub(crate) fn has_sys_admin() -> bool {
    has(CapabilitySet::SYS_ADMIN)
}

/// Whether the calling thread has `CAP_SYS_PTRACE` in its user namespace.
pub(crate) fn has_sys_ptrace() -> bool {
    has(CapabilitySet::SYS_PTRACE)
}

fn has(capability: CapabilitySet) -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(capability))
}

/// Whether a cgroup of version 2, given by its directory, is frozen, itself or with a cgroup above it.
pub(crate) fn is_frozen(cgroup: impl AsFd) -> bool {
    let events = openat(cgroup, "cgroup.events", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let read = events.map(File::from).and_then(|mut events| {
        let mut text = String::new();
        events.read_to_string(&mut text).map(|_| text).map_err(|_| Errno::IO)
    });
    read.is_ok_and(|text| text.lines().any(|line| line == "frozen 1"))
}

/// The process that a thread belongs to, if `id` is the ID of a thread that is not its process's first.
pub(crate) fn process_of_thread(proc: &Path, id: u32) -> Option<u32> {
    let status = fs::read_to_string(proc_dir::path_in(proc, format!("{id}/status"))).ok()?;
    let process = proc_dir::field(&status, "Tgid")?.parse().ok()?;
    (process != id).then_some(process)
}

/// Whether new children of the calling thread are in another pid namespace.
pub(crate) fn has_unshared_pids() -> bool {
    let link = |name| fs::read_link(Path::new("/proc/thread-self/ns").join(name));
    match (link("pid"), link("pid_for_children")) {
        (Ok(own), Ok(theirs)) => own != theirs,
        // No process has been created in it yet.
        (Ok(_), Err(error)) => error.kind() == ErrorKind::NotFound,
        (Err(_), _) => false,
    }
}

/// Whether the caller is chrooted: no visible mount is its root. The kernel then refuses user namespaces.
pub(crate) fn is_chrooted() -> bool {
    fs::read("/proc/self/mountinfo").is_ok_and(|text| mounts(&text).all(|mount| !mount.is_root()))
}
