//! Processes in a proc that may be that of another pid namespace, as after `unshare --pid --fork` without a new proc.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use ns_process::Process;
use rustix::process::Pid;

/// Whether the proc that is mounted at `proc` shows the process IDs of the caller's pid namespace.
pub(super) fn has_own_pids(proc: &Path) -> bool {
    let own = fs::read_link(proc.join("self")).ok();
    own.is_some_and(|own| own.to_str() == Some(&std::process::id().to_string()))
}

/// Returns the process ID of a process in the proc that is mounted at `proc`.
pub(super) fn pid_in(proc: &Path, process: &Process) -> Option<u32> {
    if has_own_pids(proc) {
        return Some(process.pid());
    }
    let pidfd = process.pidfd().as_fd().as_raw_fd();
    let info = fs::read_to_string(proc.join(format!("self/fdinfo/{pidfd}"))).ok()?;
    field(&info, "Pid").parse().ok()
}

/// Returns the process IDs of a process in the pid namespace of the proc, and then in those below it.
pub(super) fn pids_of(proc: &Path, process: &str) -> Vec<Pid> {
    let status = fs::read_to_string(proc.join(process).join("status")).unwrap_or_default();
    let ids = field(&status, "NSpid").split_whitespace();
    ids.filter_map(|id| Pid::from_raw(id.parse().ok()?)).collect()
}

/// Returns the value of a field of a file such as `/proc/PID/status`.
pub(super) fn field<'a>(text: &'a str, name: &str) -> &'a str {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.unwrap_or("").trim()
}
