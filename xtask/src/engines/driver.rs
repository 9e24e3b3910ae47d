//! Runs one script with a limit, and finds what it leaves behind.
//!
//! This process is process 1 of its pid namespace: all processes there belong to the case, except the daemons of its
//! group, and orphans become children of this process.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, pidfd_open,
    wait,
};

/// Orphans are reaped at least so often.
const TICK: Duration = Duration::from_millis(10);

/// How a script ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// `None` if it was killed at the limit.
    pub(super) status: Option<i32>,
    pub(super) output: String,
    pub(super) errors: String,
}

/// Runs a command in a process group of its own. Its output goes to files, because a daemon may keep a pipe open.
pub(super) fn run(mut command: Command, directory: &Path, limit: Duration) -> Result<Ended> {
    let (output, errors) = (directory.join("output"), directory.join("errors"));
    command.stdin(Stdio::null()).stdout(File::create(&output)?).stderr(File::create(&errors)?);
    let child = command.process_group(0).spawn().with_context(|| format!("{command:?}"))?;
    let pid = Pid::from_child(&child);
    let status = wait_for(pid, limit)?;
    if status.is_none() {
        _ = kill_process_group(pid, Signal::KILL);
        wait_for(pid, limit)?;
    }
    Ok(Ended {
        status: status.and_then(WaitStatus::exit_status),
        output: read(&output)?,
        errors: read(&errors)?,
    })
}

/// Reaps all children until `pid` has exited, or until the limit.
fn wait_for(pid: Pid, limit: Duration) -> Result<Option<WaitStatus>> {
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).context("pidfd_open")?;
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = reap(pid) {
            return Ok(Some(status));
        }
        if Instant::now() > end {
            return Ok(None);
        }
        poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&TICK.try_into()?))?;
    }
}

/// Reaps all children that have exited, and returns the status of `wanted` if it is one of them.
fn reap(wanted: Pid) -> Option<WaitStatus> {
    let mut found = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == wanted {
            found = Some(status);
        }
    }
    found
}

/// The processes of this pid namespace, besides this one.
pub(super) fn processes() -> Result<BTreeSet<i32>> {
    let mut pids = BTreeSet::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        pids.extend(name.to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    pids.remove(&1);
    Ok(pids)
}

/// Waits until no other process than `daemons` is left, kills what is left at the limit, and returns its names.
pub(super) fn settle(daemons: &BTreeSet<i32>, limit: Duration) -> Result<Vec<String>> {
    let end = Instant::now() + limit;
    loop {
        reap(Pid::INIT);
        let left: Vec<_> = processes()?.difference(daemons).copied().collect();
        if left.is_empty() || Instant::now() > end {
            let names = left.iter().map(|&pid| name(pid)).collect();
            kill_all(daemons)?;
            return Ok(names);
        }
        std::thread::sleep(TICK);
    }
}

/// Kills all processes but `daemons`, frozen ones too. One that the kernel holds stays, and is of the next case.
pub(super) fn kill_all(daemons: &BTreeSet<i32>) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        reap(Pid::INIT);
        thaw(Path::new("/sys/fs/cgroup"));
        let pids = processes()?;
        let mut left = pids.difference(daemons).filter_map(|&pid| Pid::from_raw(pid)).peekable();
        if left.peek().is_none() || Instant::now() > end {
            return Ok(());
        }
        left.for_each(|pid| _ = kill_process(pid, Signal::KILL));
        std::thread::sleep(TICK);
    }
}

/// Thaws a cgroup and all below it: in version 1 a frozen process cannot be killed.
fn thaw(cgroup: &Path) {
    for (file, value) in [("freezer.state", "THAWED"), ("cgroup.freeze", "0")] {
        let file = cgroup.join(file);
        // The root of a hierarchy has no such file.
        _ = file.exists().then(|| fs::write(&file, value));
    }
    for entry in fs::read_dir(cgroup).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            thaw(&entry.path());
        }
    }
}

fn name(pid: i32) -> String {
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    command.replace('\0', " ").chars().take(60).collect()
}

fn read(file: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(file)?).into_owned())
}
