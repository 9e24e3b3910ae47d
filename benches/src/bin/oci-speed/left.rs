//! The memory of the processes that a runtime leaves: with a created container, and with a running one.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, WaitOptions, waitpid};
use serde_json::Value;

use crate::bundle::{self, Cgroups};
use crate::subject::Subject;

/// Prints the resident memory of each process that exists after create, and of each one but the program after start.
pub(crate) fn print(directory: &Path, patch: &Value, runtimes: &[PathBuf]) -> io::Result<()> {
    let bundle = bundle::write(directory, Cgroups::New, patch, &["sleep", "100"])?;
    println!("\nresident memory of processes, in kB");
    for runtime in runtimes {
        let subject = Subject::new(runtime, directory, &bundle, Cgroups::New);
        let before = processes()?;
        let pid = subject.create()?;
        let created = since(&before)?;
        subject.start()?;
        let mut with_program = before;
        with_program.insert(pid.as_raw_nonzero().get());
        let running = since(&with_program)?;
        subject.delete(&["--force"])?;
        reap(pid)?;
        println!("{:12}created: {created}; running, without the program: {running}", subject.name);
    }
    Ok(())
}

/// The runtime may have reaped the process, if it was its parent.
fn reap(pid: Pid) -> io::Result<()> {
    match waitpid(Some(pid), WaitOptions::empty()) {
        Ok(_) | Err(rustix::io::Errno::CHILD) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The names and sizes of the processes that are not in `before`.
fn since(before: &BTreeSet<i32>) -> io::Result<String> {
    let mut sizes = Vec::new();
    for pid in processes()?.difference(before) {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim().trim_end_matches(" kB").to_owned()
        };
        sizes.push(format!("{} {}", field("Name:"), field("VmRSS:")));
    }
    Ok(if sizes.is_empty() { "none".to_owned() } else { sizes.join(", ") })
}

fn processes() -> io::Result<BTreeSet<i32>> {
    let mut pids = BTreeSet::new();
    for entry in fs::read_dir("/proc")? {
        pids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    Ok(pids)
}
