//! New namespaces around all cases, so that nothing of them stays on the machine.
//!
//! The engines see the mounts of the machine, but their own `/run`, `/dev/shm`, cgroups and configuration. When process
//! 1 of the new pid namespace ends, the kernel kills every other process and removes every mount.

use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::hierarchy::{self, Hierarchy};

/// Joins the cgroups that are the arguments up to `--`, and executes the rest in new namespaces.
const ENTER: &str = r#"
while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done
exec unshare --mount --pid --fork --kill-child --mount-proc --cgroup --net --ipc "$@"
"#;

/// The names of the directory and the cgroups of a run begin with this; the process ID follows.
const NAME: &str = "ns-engines-";

/// The directory and the cgroups of a run. Dropping it removes them.
#[derive(Debug)]
struct Outside {
    directory: PathBuf,
    cgroups: Vec<PathBuf>,
}

/// Runs `args` of this program in a sandbox, with the directory of the run as the last argument.
pub(crate) fn run(args: &[String]) -> Result<i32> {
    let outside = Outside::create()?;
    let mut command = Command::new("sh");
    command.args(["-euc", ENTER, "sh"]).args(&outside.cgroups).arg("--");
    command.arg(env::current_exe()?).args(args).arg(&outside.directory);
    let status = command.status().context("run sh(1)")?;
    match (status.code(), status.signal()) {
        (Some(code), _) => Ok(code),
        (None, signal) => bail!("the sandbox was killed by signal {signal:?}"),
    }
}

impl Outside {
    fn create() -> Result<Self> {
        let name = format!("{NAME}{}", process::id());
        remove_stale(&env::temp_dir());
        let directory = env::temp_dir().join(&name);
        fs::create_dir(&directory).with_context(|| directory.display().to_string())?;
        let mut outside = Self { directory, cgroups: Vec::new() };
        for Hierarchy { own, .. } in hierarchy::all()? {
            remove_stale(&own);
            let cgroup = own.join(&name);
            // A hierarchy may be read-only here. Its cgroup is then that of this process.
            if fs::create_dir(&cgroup).is_ok() {
                copy_cpuset(&own, &cgroup)?;
                outside.cgroups.push(cgroup);
            }
        }
        Ok(outside)
    }
}

/// Version 1 admits no process to a new cgroup until it has processors and memory nodes.
fn copy_cpuset(parent: &Path, cgroup: &Path) -> Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let (from, to) = (parent.join(file), cgroup.join(file));
        if from.exists() && to.exists() {
            fs::write(&to, fs::read(from)?).with_context(|| to.display().to_string())?;
        }
    }
    Ok(())
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.cgroups.iter().for_each(|cgroup| remove_cgroup(cgroup));
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            eprintln!("{}: {error}", self.directory.display());
        }
    }
}

/// Removes what runs left that were killed: their process IDs do not exist.
fn remove_stale(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.strip_prefix(NAME)) else { continue };
        if !Path::new("/proc").join(pid).exists() {
            remove_cgroup(&entry.path());
        }
    }
}

/// Removes a cgroup and those below it. The kernel removes exited processes from it in the background.
fn remove_cgroup(cgroup: &Path) {
    for entry in fs::read_dir(cgroup).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroup(&entry.path());
        }
    }
    let mut result = fs::remove_dir(cgroup);
    for _ in 0..100 {
        if result.is_ok() {
            return;
        }
        sleep(Duration::from_millis(10));
        result = fs::remove_dir(cgroup);
    }
    eprintln!("{}: {result:?}", cgroup.display());
}
