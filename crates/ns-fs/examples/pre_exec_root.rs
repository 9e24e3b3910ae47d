//! Runs a program in a new root: std's `Command` with a plan of this crate in `pre_exec`.
//!
//! `pre_exec_root ROOT PROGRAM [ARG…]`. unshare(1) makes the namespaces here; real programs can use
//! ns-process, which needs no fork.
#![allow(unsafe_code, reason = "pre_exec")]

use std::error::Error;
use std::os::unix::process::CommandExt;
use std::process::Command;

use ns_fs::{Mount, Root, RootPlan, Workdir};

/// The variable that is set in the second process, inside the namespaces.
const INSIDE: &str = "NS_FS_EXAMPLE_INSIDE";

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let [root, program, rest @ ..] = args.as_slice() else {
        return Err("usage: pre_exec_root ROOT PROGRAM [ARG…]".into());
    };
    if std::env::var_os(INSIDE).is_none() {
        // Runs this program again, as pid 1 of a new pid namespace and root of a new user namespace.
        let namespaces = ["--user", "--map-root-user", "--pid", "--fork", "--mount"];
        let mut again = Command::new("unshare");
        again.args(namespaces).arg(std::env::current_exe()?).args(&args).env(INSIDE, "1");
        std::process::exit(again.status()?.code().unwrap_or(1));
    }
    let root = Root::pivot(root)
        .mount(Mount::proc("/proc").create())
        .mount(Mount::dev("/dev").create())
        .read_only();
    let plan = RootPlan::new(root, Workdir::new("/"))?;
    eprintln!("{}\n", plan.describe());
    let mut command = Command::new(program);
    command.args(rest).env_clear().env("PATH", "/bin:/usr/bin");
    // SAFETY: the plan only makes bare system calls, and allocates nothing.
    unsafe {
        command.pre_exec(move || Ok(plan.apply()?));
    }
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(1));
}
