//! Stops and continues all processes of a container.

use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::{Errno, pread, retry_on_intr};

use super::Cgroup;
use super::directory::Directory;

/// The time in which the processes stop.
const LIMIT: Duration = Duration::from_secs(10);

impl Cgroup {
    /// Stops all processes, and returns when they have stopped. After an error they run.
    pub(crate) fn freeze(&self) -> Result<()> {
        let directory = self.freezer()?.context(
            "freeze the container: it has no cgroup, or its hierarchies have no freezer; start it with one",
        )?;
        let frozen = directory.freeze();
        if frozen.is_err() {
            let _ = directory.thaw();
        }
        frozen.with_context(|| format!("freeze {}", directory.path().display()))
    }

    /// Continues all processes.
    pub(crate) fn thaw(&self) -> Result<()> {
        let Some(directory) = self.freezer()? else { return Ok(()) };
        directory.thaw().with_context(|| format!("thaw {}", directory.path().display()))
    }

    /// Whether the processes are stopped, or are being stopped.
    pub(crate) fn is_frozen(&self) -> Result<bool> {
        self.freezer()?.map_or(Ok(false), |directory| directory.is_frozen())
    }

    /// The directory of version 2 if its kernel can freeze, else that of the controller freezer.
    fn freezer(&self) -> Result<Option<Directory>> {
        if let Some(place) = self.version_2() {
            let directory = place.open()?;
            if directory.open("cgroup.freeze", OFlags::RDONLY).is_ok() {
                return Ok(Some(directory));
            }
        }
        self.own_places()
            .find(|place| place.has("freezer"))
            .map(super::place::Place::open)
            .transpose()
    }
}

impl Directory {
    fn freeze(&self) -> Result<()> {
        match self.write("cgroup.freeze", "1") {
            Ok(()) => self.await_frozen(),
            Err(Errno::NOENT) => self.freeze_version_1(),
            Err(errno) => Err(errno.into()),
        }
    }

    fn thaw(&self) -> Result<(), Errno> {
        match self.write("cgroup.freeze", "0") {
            Err(Errno::NOENT) => self.write("freezer.state", "THAWED"),
            written => written,
        }
    }

    pub(super) fn is_frozen(&self) -> Result<bool> {
        let text = match self.read("cgroup.freeze") {
            Err(Errno::NOENT) => self.read("freezer.state"),
            text => text,
        };
        match text {
            Ok(text) => Ok(["1", "FROZEN", "FREEZING"].contains(&text.trim())),
            // A cgroup of another controller cannot be frozen, nor one that was removed.
            Err(Errno::NOENT | Errno::NODEV) => Ok(false),
            Err(errno) => {
                Err(errno).context(format!("read the state of {}", self.path().display()))
            }
        }
    }

    /// Waits for the event of version 2.
    fn await_frozen(&self) -> Result<()> {
        let events = self.open("cgroup.events", OFlags::RDONLY)?;
        let end = Instant::now() + LIMIT;
        while !has_event(&events, "frozen 1")? {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!(
                    "a process did not stop within {} s; it waits in the kernel",
                    LIMIT.as_secs()
                );
            }
            await_event(&events, left)?;
        }
        Ok(())
    }

    /// A process that appears while the others stop leaves the state at FREEZING, so the request is repeated, and at
    /// times all are continued for a moment. There is no event for this.
    fn freeze_version_1(&self) -> Result<()> {
        let end = Instant::now() + LIMIT;
        for round in 1_u32.. {
            self.write("freezer.state", "FROZEN")?;
            if self.read("freezer.state")?.trim() == "FROZEN" {
                return Ok(());
            }
            if Instant::now() >= end {
                bail!(
                    "a process did not stop within {} s; it waits in the kernel",
                    LIMIT.as_secs()
                );
            }
            if round % 50 == 0 {
                self.write("freezer.state", "THAWED")?;
            }
            thread::sleep(Duration::from_micros(u64::from(round.min(100)) * 100));
        }
        Ok(())
    }
}

/// Whether `cgroup.events` has this line.
pub(super) fn has_event(events: &OwnedFd, line: &str) -> Result<bool, Errno> {
    let mut buffer = [0; 256];
    let count = retry_on_intr(|| pread(events, &mut buffer, 0))?;
    Ok(String::from_utf8_lossy(&buffer[..count]).lines().any(|other| other == line))
}

/// Waits until `cgroup.events` changes, at most for this time.
pub(super) fn await_event(events: &OwnedFd, limit: Duration) -> Result<(), Errno> {
    let limit = Timespec::try_from(limit).map_err(|_| Errno::INVAL)?;
    let mut polled = [PollFd::new(events, PollFlags::PRI)];
    match poll(&mut polled, Some(&limit)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(errno),
    }
}
