//! The processes of a container.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Error, Result, bail};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use super::Cgroup;
use super::directory::{Directory, read_file};
use super::place::{Place, Version};

/// How often processes are killed without a freezer, in which time they may create others.
const ROUNDS: usize = 100;

impl Cgroup {
    /// Moves a process to all directories that it is not in yet, nor below.
    ///
    /// So one that was created in the directory of version 2 is moved in version 1 only. Each move waits for the
    /// kernel, so none is made twice.
    #[cfg_attr(not(test), expect(dead_code, reason = "processes move themselves: see tasks"))]
    pub(crate) fn add(&self, pid: u32) -> Result<()> {
        let mut places = self.own_places().peekable();
        if places.peek().is_none() {
            return Ok(());
        }
        let present = read_file(&format!("/proc/{pid}/cgroup"))?;
        for place in places.filter(|place| !place.is_in(&present)) {
            let directory = place.open()?;
            directory.add(pid).map_err(|errno| not_moved(pid, &directory, errno))?;
        }
        Ok(())
    }

    /// The open files to which a new process writes itself in version 1: for `cgroup_tasks` of a builder.
    ///
    /// This takes microseconds, and [`add`](Self::add) often milliseconds. In version 2 the process is created in
    /// [`directory`](Self::directory).
    pub(crate) fn tasks(&self) -> Result<Vec<OwnedFd>> {
        let places = self.own_places().filter(|place| place.version == Version::One);
        let open = |place: &Place| {
            let directory = place.open()?;
            let file = directory.open("tasks", OFlags::WRONLY);
            file.with_context(|| format!("open {}", directory.file("tasks")))
        };
        places.map(open).collect()
    }

    /// The processes, with those in cgroups below. Those outside the runtime's pid namespace are not among them.
    pub(crate) fn pids(&self) -> Result<Vec<u32>> {
        let Some(directory) = self.counted()? else { return Ok(Vec::new()) };
        directory.pids()
    }

    /// Kills all processes, with those in cgroups below. They may not have ended when this returns.
    pub(crate) fn kill(&self) -> Result<()> {
        let Some(directory) = self.counted()? else { return Ok(()) };
        match directory.write("cgroup.kill", "1") {
            Ok(()) | Err(Errno::NODEV) => Ok(()),
            // Before Linux 5.14, and in version 1.
            Err(Errno::NOENT) => self.kill_each(&directory),
            Err(errno) => {
                Err(errno).with_context(|| format!("kill {}", directory.path().display()))
            }
        }
    }

    /// Frozen processes create no others, so each is seen. Without a freezer this takes several rounds.
    fn kill_each(&self, directory: &Directory) -> Result<()> {
        let is_frozen = self.freeze().is_ok();
        let killed = if is_frozen { signal(&directory.pids()?) } else { kill_in_rounds(directory) };
        if is_frozen {
            self.thaw()?;
        }
        killed
    }

    /// The directory that says which processes there are; `None` if there is no cgroup, or no longer.
    fn counted(&self) -> Result<Option<Directory>> {
        let freezer = || self.own_places().find(|place| place.has("freezer"));
        let place = self.version_2().or_else(freezer).or_else(|| self.own_places().next());
        let Some(place) = place else { return Ok(None) };
        match place.open() {
            Err(error) if error.downcast_ref() == Some(&Errno::NOENT) => Ok(None),
            opened => opened.map(Some),
        }
    }
}

impl Place {
    /// Whether `/proc/PID/cgroup` says that the process is in the directory, or in one below.
    fn is_in(&self, memberships: &str) -> bool {
        let controllers = self.controllers.join(",");
        memberships.lines().any(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            fields.next() == Some(&*controllers)
                && fields.next().is_some_and(|path| Path::new(path).starts_with(self.group()))
        })
    }
}

impl Directory {
    fn add(&self, pid: u32) -> Result<(), Errno> {
        self.write("cgroup.procs", &pid.to_string())
    }

    /// The processes of this cgroup and of those below. One that is removed meanwhile has none.
    pub(super) fn pids(&self) -> Result<Vec<u32>> {
        let mut pids = BTreeSet::new();
        let mut left = vec![self.clone()];
        while let Some(directory) = left.pop() {
            let found = directory.own_pids().and_then(|found| {
                pids.extend(found);
                let children = directory.children()?;
                left.extend(children.iter().filter_map(|name| directory.child(name).ok()));
                Ok(())
            });
            match found {
                Ok(()) | Err(Errno::NOENT | Errno::NODEV) => {}
                Err(errno) => {
                    return Err(errno)
                        .with_context(|| format!("read {}", directory.file("cgroup.procs")));
                }
            }
        }
        Ok(pids.into_iter().collect())
    }

    fn own_pids(&self) -> Result<Vec<u32>, Errno> {
        let text = match self.read("cgroup.procs") {
            // A threaded cgroup has no processes of its own.
            Err(Errno::OPNOTSUPP) => self.read("cgroup.threads"),
            text => text,
        }?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid != 0).collect())
    }
}

fn kill_in_rounds(directory: &Directory) -> Result<()> {
    for _ in 0..ROUNDS {
        let pids = directory.pids()?;
        if pids.is_empty() {
            return Ok(());
        }
        signal(&pids)?;
        thread::sleep(Duration::from_millis(1));
    }
    bail!(
        "kill {}: its processes create others faster; freeze it first",
        directory.path().display()
    )
}

/// Sends SIGKILL. A process that has ended meanwhile is fine.
fn signal(pids: &[u32]) -> Result<()> {
    let pids = pids.iter().filter_map(|pid| i32::try_from(*pid).ok()).filter_map(Pid::from_raw);
    for pid in pids {
        match kill_process(pid, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(errno) => return Err(errno).with_context(|| format!("kill process {pid:?}")),
        }
    }
    Ok(())
}

fn not_moved(pid: u32, directory: &Directory, errno: Errno) -> Error {
    let hint = match errno {
        Errno::ACCESS | Errno::PERM => {
            "needs permission to write this file, and the one of the cgroup above both"
        }
        Errno::BUSY => "the cgroup gives controllers to those below, so it may have no processes",
        Errno::OPNOTSUPP => "the cgroup is threaded",
        Errno::SRCH => "the process has ended",
        Errno::NOSPC => "cpuset.cpus or cpuset.mems is empty",
        Errno::INVAL => "the process has real-time priority, and cpu.rt_runtime_us is 0",
        _ => "the kernel refuses the move",
    };
    let file = directory.file("cgroup.procs");
    Error::new(errno).context(format!("move process {pid}: write {file}: {hint}"))
}
