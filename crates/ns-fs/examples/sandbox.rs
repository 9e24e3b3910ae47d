//! Runs a shell command in a sandbox: std's `Command`, with a plan of this crate in `pre_exec`.
//!
//! `sandbox COMMAND` needs no privilege. The command sees the programs of the host, which it cannot change,
//! and the current directory as `/project`; nothing else. It also sees the host's processes: a new pid
//! namespace needs another fork, as ns-process makes it.
#![allow(unsafe_code, reason = "pre_exec")]

use std::error::Error;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use ns_fs::{Mount, Root, RootPlan, Workdir};
use ns_sys::UnshareFlags;
use ns_sys::child::{self, Mode, OFlags};

fn main() -> Result<(), Box<dyn Error>> {
    let script = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "pwd; ls /; touch /usr/x || echo read-only".to_owned());
    let host = Mount::host_root().into_iter().map(|mount| match mount.target().to_str() {
        // A user namespace without a pid namespace of its own cannot mount proc.
        Some("/proc") => Mount::bind("/proc", "/proc").recursive().read_only().create(),
        _ => mount,
    });
    let root = host.fold(Root::current(), Root::mount).read_only();
    let root = root.mount(Mount::bind(".", "/project").recursive().create());
    let plan = RootPlan::new(root, Workdir::new("/project"))?;

    let maps = [
        (c"/proc/self/setgroups", c"deny".to_owned()),
        (c"/proc/self/uid_map", single(rustix::process::geteuid().as_raw())?),
        (c"/proc/self/gid_map", single(rustix::process::getegid().as_raw())?),
    ];
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script).env_clear().env("PATH", "/usr/bin:/bin");
    // SAFETY: the closure only makes bare system calls, and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            ns_sys::unshare(UnshareFlags::NEWUSER)?;
            for (file, map) in &maps {
                write(file, map)?;
            }
            // Also makes a mount namespace.
            Ok(plan.apply()?)
        });
    }
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(1));
}

/// A map in which one ID stays as it is.
fn single(id: u32) -> Result<CString, Box<dyn Error>> {
    Ok(CString::new(format!("{id} {id} 1"))?)
}

fn write(path: &CStr, text: &CStr) -> ns_sys::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let file = child::openat(rustix::fs::CWD, path, flags, Mode::empty())?;
    // SAFETY: the call has just opened it.
    let file = unsafe { OwnedFd::from_raw_fd(file) };
    child::write(file.as_fd(), text.to_bytes()).map(drop)
}
