//! Removes the directories of a container.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::Cgroup;
use super::directory::Directory;
use super::freeze::{await_event, has_event};
use super::place::Place;

/// The time in which killed processes leave a cgroup.
const LIMIT: Duration = Duration::from_secs(5);

/// The longest time between two attempts.
const LONGEST_DELAY: Duration = Duration::from_millis(50);

impl Cgroup {
    /// Removes the directories, with those that the container made below. Missing ones are fine.
    ///
    /// Directories above stay, because others may use them. After an error the other hierarchies are still removed.
    pub(crate) fn remove(&self) -> Result<()> {
        let end = Instant::now() + LIMIT;
        let removed: Vec<_> = self.own_places().map(|place| place.remove(end)).collect();
        removed.into_iter().collect()
    }
}

impl Place {
    fn remove(&self, end: Instant) -> Result<()> {
        self.keep(None);
        let Some((above, name)) = self.parent() else { return Ok(()) };
        let above = match Directory::mount_point(&self.mount)?.descend(above) {
            Err(error) if error.downcast_ref() == Some(&Errno::NOENT) => return Ok(()),
            above => above?,
        };
        remove(&above, name, end)
            .with_context(|| format!("remove the cgroup {}", self.path().display()))
    }
}

/// Removes a directory, and those below only if it is not removed at once.
fn remove(above: &Directory, name: &OsStr, end: Instant) -> Result<()> {
    if is_removed(above.remove(name))? {
        return Ok(());
    }
    let directory = match above.child(name) {
        Err(Errno::NOENT) => return Ok(()),
        directory => directory?,
    };
    for child in directory.children()? {
        remove(&directory, &child, end)?;
    }
    let events = directory.open("cgroup.events", OFlags::RDONLY).ok();
    let mut delay = Duration::from_millis(1);
    while !is_removed(above.remove(name))? {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            bail!(still_used(&directory));
        }
        wait(events.as_ref(), delay.min(left));
        delay = (2 * delay).min(LONGEST_DELAY);
    }
    Ok(())
}

/// Whether there is no such directory any more; not if it is busy.
fn is_removed(result: Result<(), Errno>) -> Result<bool, Errno> {
    match result {
        Ok(()) | Err(Errno::NOENT | Errno::NODEV) => Ok(true),
        Err(Errno::BUSY | Errno::NOTEMPTY) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Version 2 has an event for the end of the last process; version 1 has none.
///
/// The state is read first: poll(2) waits for a change since the last read.
fn wait(events: Option<&OwnedFd>, limit: Duration) {
    let has_processes = |events: &&OwnedFd| has_event(events, "populated 1").unwrap_or(false);
    let waited = events.filter(has_processes).map(|events| await_event(events, limit));
    if waited.is_none_or(|waited| waited.is_err()) {
        thread::sleep(limit);
    }
}

fn still_used(directory: &Directory) -> String {
    let pids = directory.pids().unwrap_or_default();
    let pids: Vec<_> = pids.iter().take(5).map(u32::to_string).collect();
    format!("it still has processes ({}); end them", pids.join(", "))
}
