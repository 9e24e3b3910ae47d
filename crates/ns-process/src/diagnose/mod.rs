//! What this machine allows, and which setting forbids the rest.

mod calls;
mod finding;
mod ids;
mod namespaces;

use std::format;
use std::fs;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use rustix::fs::{Access, access};

use crate::hint::machine;
use crate::mountinfo::mounts;
pub use finding::{Diagnosis, Finding};

/// Checks what this machine allows the caller: namespaces and their limits, the sysctls that forbid them, the IDs that
/// may be mapped, seccomp filters, cgroups, and the newer system calls.
///
/// Creates namespaces in child processes, which have exited when this returns. Nothing else is changed. Blocks for some
/// milliseconds.
///
/// ```
/// for finding in ns_process::diagnose().findings() {
///     println!("{finding}");
/// }
/// ```
pub fn diagnose() -> Diagnosis {
    let kernel = machine::value("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut findings = Vec::from([Finding::new("kernel", !kernel.is_empty(), kernel)]);
    findings.extend(namespaces::all());
    findings.extend([namespaces::new_user(), namespaces::new_proc()]);
    findings.extend(switches());
    findings.extend([seccomp(), no_new_privs(), root()]);
    findings.extend(ids::all());
    findings.push(cgroups());
    findings.extend(calls::all());
    Diagnosis(findings)
}

fn switches() -> impl Iterator<Item = Finding> {
    machine::SWITCHES.into_iter().filter_map(|(name, allows)| {
        let value = machine::sysctl(name)?;
        Some(Finding::new(name, value == allows, value).advise(format!("set {name} to {allows}")))
    })
}

fn seccomp() -> Finding {
    let filtered = machine::is_filtered();
    let detail = if filtered { "a filter is in force" } else { "no filter" };
    Finding::new("seccomp", !filtered, detail).advise("see what it allows")
}

fn no_new_privs() -> Finding {
    let set = machine::status("NoNewPrivs").is_some_and(|set| set == "1");
    Finding::new("no_new_privs", !set, if set { "set" } else { "not set" })
        .advise("newuidmap and newgidmap gain no privilege while it is set")
}

fn root() -> Finding {
    let chrooted = machine::is_chrooted();
    let detail = if chrooted { "changed by chroot(2)" } else { "not changed by chroot(2)" };
    Finding::new("root", !chrooted, detail)
        .advise("a chrooted process cannot create a user namespace: run outside the chroot")
}

/// The cgroup versions, and whether the caller can create cgroups.
fn cgroups() -> Finding {
    let text = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let mounted = |kind: &[u8]| mounts(&text).find(|mount| mount.kind == kind);
    let old = mounted(b"cgroup").is_some();
    let Some(mount) = mounted(b"cgroup2") else {
        let detail = if old { "version 1 only" } else { "not mounted" };
        return Finding::new("cgroups", false, detail)
            .advise("a start in a cgroup needs version 2: mount cgroup2");
    };
    let version = if old { "versions 1 and 2 are mounted" } else { "version 2 is mounted" };
    let own = own_cgroup(&mount.path());
    let writable = access(own.join("cgroup.procs"), Access::WRITE_OK).is_ok();
    let right = if writable { "may" } else { "may not" };
    let detail = format!("{version}; the caller {right} write to its cgroup, {}", own.display());
    Finding::new("cgroups", writable, detail).advise(
        "to start a process in another cgroup, run in a delegated one: systemd-run --user --scope -p Delegate=yes",
    )
}

/// The caller's own cgroup of version 2.
fn own_cgroup(mount: &Path) -> PathBuf {
    let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let path = text.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    mount.join(path)
}
