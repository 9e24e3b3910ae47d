//! Descriptor tables: as requested, as simulated by the rules of the kernel, and as read in a child.
#![allow(unsafe_code, reason = "dup3, close_range and borrowed descriptor numbers")]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::fs::{MemfdFlags, fstat, memfd_create};
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_getfd};

/// The descriptors that are open before, and the requested changes.
#[derive(Clone, Debug, Default)]
pub struct DescriptorRequest {
    /// Open descriptor numbers, and whether each is close-on-exec.
    pub open: BTreeMap<RawFd, bool>,
    /// Requested descriptor numbers, each with the open descriptor that it duplicates.
    pub moves: BTreeMap<RawFd, RawFd>,
    /// Descriptors that do not change.
    pub kept: BTreeSet<RawFd>,
    /// Whether all other descriptors above 2 are closed.
    pub close_rest: bool,
}

/// Descriptor numbers, each with its number before and its close-on-exec flag.
pub type DescriptorTable = BTreeMap<RawFd, (RawFd, bool)>;

/// The lowest descriptor number of the copies that the child keeps.
const ABOVE: RawFd = 100;

impl DescriptorRequest {
    /// Descriptor numbers are lower than this.
    pub const NUMBERS: RawFd = 14;

    /// The requested table.
    pub fn requested(&self) -> DescriptorTable {
        let mut table = self.before();
        table.retain(|number, _| !self.close_rest || *number <= 2 || self.kept.contains(number));
        table.extend(self.moves.iter().map(|(to, from)| (*to, (*from, false))));
        table
    }

    fn before(&self) -> DescriptorTable {
        self.open.iter().map(|(number, flag)| (*number, (*number, *flag))).collect()
    }

    /// A simulation of the table before the changes.
    pub fn simulated(&self) -> SimulatedTable {
        SimulatedTable { table: self.before(), saved: None }
    }

    /// Opens a file for each descriptor number, closes all others, calls `body` to make the changes, and exits:
    /// with 0 if the table is as requested, else with 1. It is to be called in a forked child.
    ///
    /// # Panics
    /// The files cannot be opened.
    pub fn try_in_child(&self, body: impl FnOnce()) -> ! {
        let inodes = self.arrange();
        body();
        let requested = self
            .requested()
            .into_iter()
            .map(|(number, (source, flag))| (number, (inodes[&source], flag)));
        let code = i32::from(read_back() != requested.collect());
        // SAFETY: exits at once, before the owner of a closed descriptor closes it again.
        unsafe { libc::_exit(code) }
    }

    /// Opens the files and returns their inodes.
    fn arrange(&self) -> BTreeMap<RawFd, u64> {
        let copy = |number: &RawFd| {
            let file = memfd_create("case", MemfdFlags::CLOEXEC).expect("memfd");
            (*number, fcntl_dupfd_cloexec(file, ABOVE).expect("duplicate"))
        };
        let files: BTreeMap<_, _> = self.open.keys().map(copy).collect();
        // musl has no wrapper.
        // SAFETY: this child uses none of these descriptors afterwards.
        let closed =
            unsafe { libc::syscall(libc::SYS_close_range, 0, ABOVE.unsigned_abs() - 1, 0) };
        assert_eq!(closed, 0, "close_range");
        files
            .iter()
            .map(|(number, file)| (*number, place(file, *number, self.open[number])))
            .collect()
    }
}

fn place(file: &OwnedFd, number: RawFd, close_on_exec: bool) -> u64 {
    let flags = if close_on_exec { libc::O_CLOEXEC } else { 0 };
    // SAFETY: nothing owns the descriptor.
    let placed = unsafe { libc::dup3(file.as_raw_fd(), number, flags) };
    assert_eq!(placed, number, "dup3");
    fstat(file).expect("fstat").st_ino
}

/// The open descriptors below [`ABOVE`], each with its inode and close-on-exec flag.
fn read_back() -> BTreeMap<RawFd, (u64, bool)> {
    let read = |number| {
        // SAFETY: it is not -1, and is used by calls that fail if it is not open.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        let flags = fcntl_getfd(fd).ok()?;
        Some((number, (fstat(fd).ok()?.st_ino, flags.contains(FdFlags::CLOEXEC))))
    };
    (0..ABOVE).filter_map(read).collect()
}

/// A simulated table.
///
/// A change panics if the kernel would refuse it, or if a file would be lost.
#[derive(Clone, Debug)]
pub struct SimulatedTable {
    table: DescriptorTable,
    saved: Option<RawFd>,
}

impl SimulatedTable {
    /// `dup3(from, to, 0)`.
    ///
    /// # Panics
    /// `from` is not open, or equals `to`.
    pub fn duplicate(&mut self, from: RawFd, to: RawFd) {
        assert_ne!(from, to, "dup3 refuses it");
        self.table.insert(to, (self.table[&from].0, false));
    }

    /// Clears the close-on-exec flag.
    ///
    /// # Panics
    /// The descriptor is not open.
    pub fn inherit(&mut self, number: RawFd) {
        self.table.get_mut(&number).expect("open").1 = false;
    }

    /// `fcntl(from, F_DUPFD_CLOEXEC, 3)`.
    ///
    /// # Panics
    /// `from` is not open, or another descriptor is saved.
    pub fn save(&mut self, from: RawFd) {
        let free = (3..ABOVE).find(|number| !self.table.contains_key(number));
        let free = free.expect("a free number");
        self.table.insert(free, (self.table[&from].0, true));
        assert_eq!(self.saved.replace(free), None, "one at a time");
    }

    /// Moves the saved descriptor to `to`.
    ///
    /// # Panics
    /// No descriptor is saved, or it was overwritten.
    pub fn restore(&mut self, to: RawFd) {
        let saved = self.saved.take().expect("saved before");
        let file = self.table.remove(&saved).expect("it was not overwritten").0;
        self.table.insert(to, (file, false));
    }

    /// `close_range(first, last, 0)`.
    pub fn close(&mut self, range: RangeInclusive<u32>) {
        self.table.retain(|number, _| !range.contains(&number.unsigned_abs()));
    }

    /// The resulting table.
    ///
    /// # Panics
    /// The saved descriptor is still open.
    pub fn finish(self) -> DescriptorTable {
        assert_eq!(self.saved, None, "left open");
        self.table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forked;

    fn cycle() -> DescriptorRequest {
        DescriptorRequest {
            open: [(0, true), (1, false), (7, true), (9, false)].into(),
            moves: [(0, 1), (1, 0)].into(),
            kept: [7].into(),
            close_rest: true,
        }
    }

    #[test]
    fn a_cycle_is_simulated() {
        let mut table = cycle().simulated();
        table.save(0);
        table.duplicate(1, 0);
        table.restore(1);
        table.close(8..=u32::MAX);
        assert_eq!(table.finish(), cycle().requested());
        assert_eq!(cycle().requested(), [(0, (1, false)), (1, (0, false)), (7, (7, true))].into());
    }

    #[test]
    fn a_child_that_changes_nothing_is_detected() {
        let staying = DescriptorRequest { moves: BTreeMap::new(), close_rest: false, ..cycle() };
        assert_eq!(forked(|| staying.try_in_child(|| ())), 0);
        assert_eq!(forked(|| cycle().try_in_child(|| ())), 1);
    }
}
