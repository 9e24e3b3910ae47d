//! What this machine allows, and which setting forbids the rest.

mod calls;
mod cgroup;
mod finding;
mod ids;
mod namespaces;
mod restrictions;

use std::prelude::rust_2024::*;

use crate::hint::machine;
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
    findings.extend(restrictions::all());
    findings.extend(ids::all());
    findings.push(cgroup::layout());
    findings.extend(calls::all());
    Diagnosis(findings)
}
