//! std's `Command` with steps of this crate in `pre_exec`: a shell that sees its own processes only.
//!
//! `unshare` makes the namespaces; in real programs ns-process does, without the fork.
#![allow(unsafe_code, reason = "pre_exec")]

use std::os::unix::process::CommandExt;
use std::process::Command;

use ns_fs::{Propagation, apply};

fn main() -> std::io::Result<()> {
    let own = std::env::current_exe()?;
    if std::env::args_os().nth(1).is_none() {
        // First time: once more as pid 1 of a new pid namespace, root of a new user namespace.
        let namespaces = ["--user", "--map-root-user", "--pid", "--fork", "--mount"];
        let status = Command::new("unshare").args(namespaces).arg(own).arg("inside").status()?;
        std::process::exit(status.code().unwrap_or(1));
    }
    let mut list = Command::new("ps");
    // SAFETY: both steps make bare system calls and allocate nothing.
    unsafe {
        list.pre_exec(|| {
            apply::propagation(Propagation::Private).map_err(|error| error.errno)?;
            apply::mount_proc().map_err(|error| error.errno.into())
        });
    }
    list.arg("ax").status().map(drop)
}
