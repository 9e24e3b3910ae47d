//! Processes that the program has started and that outlive it.
//!
//! With `--timeout`, `space` is their subreaper: an orphan becomes a child of `space`, which can find and kill it. The
//! orphans in a new pid namespace are not among them, because its process 1 adopts them; they are killed with it.
//!
//! A shell that replaces itself with `space` may have left children. They and their descendants are spared.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid,
};

use super::proc_pid::pids_of;
use crate::failure::Failure;

/// How long killed processes may take to exit.
const LIMIT: Duration = Duration::from_secs(2);
/// The interval between two checks.
const INTERVAL: Duration = Duration::from_millis(2);

/// The children of `space`, as its `/proc` shows them.
#[derive(Debug)]
pub(super) struct Descendants<'a> {
    proc: &'a Path,
    /// The descendants that existed before the program.
    spared: HashSet<Pid>,
}

impl<'a> Descendants<'a> {
    /// Makes orphans children of `space` from now on. `proc`: where proc is mounted.
    pub(super) fn adopt(proc: &'a Path) -> Result<Self, Failure> {
        let mut descendants = Self { proc, spared: HashSet::new() };
        let Some(own) = descendants.own_ids().first().copied() else {
            let message = format!("--timeout: {}: proc is not mounted", proc.display());
            return Err(Failure::Refused(message));
        };
        set_child_subreaper(Some(getpid()))
            .map_err(|errno| Failure::Call("--timeout: prctl", errno.into()))?;
        if !descendants.children_of(own).is_empty() {
            descendants.spared = descendants.all_below(own);
        }
        Ok(descendants)
    }

    /// Kills all orphans, after the program has exited. Their children become children of `space` in turn.
    ///
    /// A process that has changed its user ID may not be killed; it is left.
    pub(super) fn kill(&self) {
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            let children = self.orphans();
            let killed =
                children.iter().filter(|child| kill_process(**child, Signal::KILL).is_ok());
            if killed.count() == 0 {
                return;
            }
            for child in children {
                let _ = waitpid(Some(child), WaitOptions::NOHANG);
            }
            thread::sleep(INTERVAL);
        }
    }

    fn orphans(&self) -> Vec<Pid> {
        let own = self.own_ids();
        let Some((outer, inner)) = own.split_first() else { return Vec::new() };
        let mut children = self.children_of(*outer);
        children.retain(|child| !self.spared.contains(child));
        // If proc is that of an outer pid namespace, it shows other process IDs than kill(2) takes.
        if !inner.is_empty() {
            let own_id =
                |child: Pid| pids_of(self.proc, &child.to_string()).get(inner.len()).copied();
            children = children.into_iter().filter_map(own_id).collect();
        }
        children
    }

    fn own_ids(&self) -> Vec<Pid> {
        pids_of(self.proc, "self")
    }

    /// Reads proc_tid_children(5), or if the kernel lacks it the parent of each process.
    fn children_of(&self, parent: Pid) -> Vec<Pid> {
        let list = self.proc.join(format!("{parent}/task/{parent}/children"));
        let children = fs::read_to_string(list).map(|text| pids(text.split_whitespace()));
        children.unwrap_or_else(|_| self.processes_of(parent))
    }

    /// Returns the children of a process, with their descendants.
    fn all_below(&self, parent: Pid) -> HashSet<Pid> {
        let mut found = HashSet::new();
        let mut parents = vec![parent];
        while let Some(parent) = parents.pop() {
            // Unlike proc_tid_children(5), this includes the children of all threads.
            parents.extend(self.processes_of(parent).into_iter().filter(|pid| found.insert(*pid)));
        }
        found
    }

    fn processes_of(&self, parent: Pid) -> Vec<Pid> {
        let entries = fs::read_dir(self.proc).into_iter().flatten().flatten();
        let names: Vec<_> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        let mut all = pids(names.iter().map(String::as_str));
        all.retain(|pid| self.parent_of(*pid) == Some(parent));
        all
    }

    fn parent_of(&self, pid: Pid) -> Option<Pid> {
        let stat = fs::read_to_string(self.proc.join(pid.to_string()).join("stat")).ok()?;
        // The name of the process may contain spaces and parentheses.
        let (_, fields) = stat.rsplit_once(") ")?;
        Pid::from_raw(fields.split(' ').nth(1)?.parse().ok()?)
    }
}

fn pids<'a>(words: impl Iterator<Item = &'a str>) -> Vec<Pid> {
    words.filter_map(|word| Pid::from_raw(word.parse().ok().filter(|pid| *pid > 0)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_find_the_same_children() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().expect("spawn");
        let descendants = Descendants { proc: Path::new("/proc"), spared: HashSet::new() };
        let pid = Pid::from_child(&child);
        assert!(descendants.processes_of(getpid()).contains(&pid));
        assert_eq!(descendants.parent_of(pid), Some(getpid()));
        assert!(descendants.all_below(getpid()).contains(&pid));
        child.kill().and_then(|()| child.wait()).expect("kill");
        assert!(!descendants.processes_of(getpid()).contains(&pid));
    }
}
