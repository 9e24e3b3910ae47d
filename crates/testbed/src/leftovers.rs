//! What a test may not leave behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The descriptors, children and mounts of this process at one moment.
///
/// [`run_as!`](crate::run_as!) compares them around each body; a loop inside a body may do so again
/// around each turn.
#[derive(Debug, PartialEq, Eq)]
pub struct Leftovers {
    descriptors: BTreeMap<PathBuf, PathBuf>,
    children: Vec<String>,
    mounts: String,
}

impl Leftovers {
    /// What there is now.
    pub fn snapshot() -> Self {
        Self { descriptors: descriptors(), children: children(), mounts: Self::mountinfo() }
    }

    /// Compares with what there is now.
    ///
    /// # Panics
    /// When a descriptor, child or mount came or went.
    pub fn assert_unchanged(&self) {
        let now = Self::snapshot();
        assert_eq!(self.descriptors, now.descriptors, "descriptors");
        assert_eq!(self.children, now.children, "children, zombies included");
        assert_eq!(self.mounts, now.mounts, "mounts");
    }

    /// As [`Leftovers::assert_unchanged`], for what may still be on its way out.
    ///
    /// # Panics
    /// When it is not as before within the given time.
    pub fn assert_unchanged_within(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while *self != Self::snapshot() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.assert_unchanged();
    }

    /// The mounts of this process's mount namespace.
    ///
    /// # Panics
    /// Without `/proc`.
    pub fn mountinfo() -> String {
        fs::read_to_string("/proc/self/mountinfo").expect("read mountinfo")
    }
}

/// What a library keeps open from its first use on, once: the files of ns-process's init and record locks.
const KEPT: [&str; 2] = ["/memfd:init (deleted)", "/memfd:exec-lock (deleted)"];

fn descriptors() -> BTreeMap<PathBuf, PathBuf> {
    let list = fs::read_dir("/proc/self/fd").expect("list descriptors");
    let paths: Vec<_> = list.map(|entry| entry.expect("read an entry").path()).collect();
    // The descriptor of the listing itself is gone by the time its link is read.
    paths
        .into_iter()
        .filter_map(|path| fs::read_link(&path).ok().map(|target| (path, target)))
        .filter(|(_, target)| KEPT.iter().all(|kept| target.as_os_str() != *kept))
        .collect()
}

fn children() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("list threads");
    let mut children: Vec<String> = tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    children.sort();
    children
}
