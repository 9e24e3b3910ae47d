//! Resources that a test must not leave behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The descriptors, children and mounts of this process at one time.
///
/// [`run_as!`](crate::run_as!) compares them before and after each body. A body may do so itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Leftovers {
    descriptors: BTreeMap<PathBuf, PathBuf>,
    children: Vec<String>,
    mounts: String,
}

impl Leftovers {
    /// The present state.
    pub fn snapshot() -> Self {
        Self { descriptors: descriptors(), children: children(), mounts: Self::mountinfo() }
    }

    /// Compares with the present state.
    ///
    /// # Panics
    /// A descriptor, child or mount was added or removed.
    pub fn assert_unchanged(&self) {
        let now = Self::snapshot();
        assert_eq!(self.descriptors, now.descriptors, "descriptors");
        assert_eq!(self.children, now.children, "children, zombies included");
        assert_eq!(self.mounts, now.mounts, "mounts");
    }

    /// As [`Leftovers::assert_unchanged`], but waits for processes that are exiting.
    ///
    /// # Panics
    /// The state differs at the end of the time.
    pub fn assert_unchanged_within(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while *self != Self::snapshot() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.assert_unchanged();
    }

    /// Calls `open`, and ignores the descriptors that it leaves open, now and in later snapshots: those that a library
    /// opens at its first use and never closes.
    ///
    /// # Panics
    /// There is no `/proc`.
    pub fn ignore_opened_by(open: impl FnOnce()) {
        let before = descriptors();
        open();
        let opened = descriptors().into_keys().filter(|path| !before.contains_key(path));
        IGNORED.lock().expect("no panic").extend(opened);
    }

    /// The mounts of the mount namespace of this process.
    ///
    /// # Panics
    /// There is no `/proc`.
    pub fn mountinfo() -> String {
        fs::read_to_string("/proc/self/mountinfo").expect("read mountinfo")
    }
}

/// Files that ns-process keeps open from their first use on: its init, and the file of its record locks.
const KEPT: [&str; 2] = ["/memfd:init (deleted)", "/memfd:exec-lock (deleted)"];

static IGNORED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn descriptors() -> BTreeMap<PathBuf, PathBuf> {
    let list = fs::read_dir("/proc/self/fd").expect("list descriptors");
    let paths: Vec<_> = list.map(|entry| entry.expect("read an entry").path()).collect();
    // The descriptor of the listing is closed before its link is read.
    let ignored = IGNORED.lock().expect("no panic");
    paths
        .into_iter()
        .filter(|path| !ignored.contains(path))
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
