//! A table of descriptors: as wished for, by the kernel's rules on paper, and as a child has it.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::fs::{MemfdFlags, fstat, memfd_create};
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_getfd};

/// What is open before, and what is to become of it.
#[derive(Clone, Debug, Default)]
pub struct DescriptorWish {
    /// Number to whether it is close-on-exec.
    pub open: BTreeMap<RawFd, bool>,
    /// Number to the open number that it is to be made of.
    pub moves: BTreeMap<RawFd, RawFd>,
    /// Numbers that stay as they are.
    pub kept: BTreeSet<RawFd>,
    /// Whether all others above 2 are closed.
    pub close_rest: bool,
}

/// Number to the number that it was before, and its close-on-exec flag.
pub type DescriptorTable = BTreeMap<RawFd, (RawFd, bool)>;

/// The child's own copies of its files lie from here on.
const ABOVE: RawFd = 100;

impl DescriptorWish {
    /// Numbers are below.
    pub const NUMBERS: RawFd = 14;

    /// What must come of it.
    pub fn wished(&self) -> DescriptorTable {
        let mut table = self.before();
        table.retain(|number, _| !self.close_rest || *number <= 2 || self.kept.contains(number));
        table.extend(self.moves.iter().map(|(to, from)| (*to, (*from, false))));
        table
    }

    fn before(&self) -> DescriptorTable {
        self.open.iter().map(|(number, flag)| (*number, (*number, *flag))).collect()
    }

    /// The kernel's rules, in small.
    pub fn on_paper(&self) -> PaperTable {
        PaperTable { table: self.before(), saved: None }
    }

    /// Opens a file for each number, closes all others, lets `body` do as was wished, and ends the
    /// calling process, a child with nothing that it needs: with 0 where it reads back what was wished
    /// for, else with 1.
    ///
    /// # Panics
    /// Where the files cannot be opened.
    pub fn try_in_child(&self, body: impl FnOnce()) -> ! {
        let inodes = self.arrange();
        body();
        let wished = self.wished().into_iter();
        let wished = wished.map(|(number, (source, flag))| (number, (inodes[&source], flag)));
        let code = i32::from(read_back() != wished.collect());
        // SAFETY: at once, because owners of descriptors that are closed must not notice.
        unsafe { libc::_exit(code) }
    }

    /// Gives the files' inodes.
    fn arrange(&self) -> BTreeMap<RawFd, u64> {
        let copy = |number: &RawFd| {
            let file = memfd_create("case", MemfdFlags::CLOEXEC).expect("memfd");
            (*number, fcntl_dupfd_cloexec(file, ABOVE).expect("duplicate"))
        };
        let files: BTreeMap<_, _> = self.open.keys().map(copy).collect();
        // musl has no function for it.
        // SAFETY: this child uses none of them again.
        let closed =
            unsafe { libc::syscall(libc::SYS_close_range, 0, ABOVE.unsigned_abs() - 1, 0) };
        assert_eq!(closed, 0, "close_range");
        files
            .iter()
            .map(|(number, file)| (*number, put(file, *number, self.open[number])))
            .collect()
    }
}

fn put(file: &OwnedFd, number: RawFd, close_on_exec: bool) -> u64 {
    let flags = if close_on_exec { libc::O_CLOEXEC } else { 0 };
    // SAFETY: just closed, or never open.
    let put = unsafe { libc::dup3(file.as_raw_fd(), number, flags) };
    assert_eq!(put, number, "dup3");
    fstat(file).expect("fstat").st_ino
}

/// What is open below [`ABOVE`]: its inode and flag.
fn read_back() -> BTreeMap<RawFd, (u64, bool)> {
    let look = |number| {
        // SAFETY: never -1; whether it is open, the call tells.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        let flags = fcntl_getfd(fd).ok()?;
        Some((number, (fstat(fd).ok()?.st_ino, flags.contains(FdFlags::CLOEXEC))))
    };
    (0..ABOVE).filter_map(look).collect()
}

/// A table that is changed as the kernel would.
///
/// Each change panics where the kernel would refuse it, or a plan would lose a file.
#[derive(Clone, Debug)]
pub struct PaperTable {
    table: DescriptorTable,
    saved: Option<RawFd>,
}

impl PaperTable {
    /// `dup3(from, to, 0)`.
    ///
    /// # Panics
    /// `from` is not open, or is `to`.
    pub fn duplicate(&mut self, from: RawFd, to: RawFd) {
        assert_ne!(from, to, "dup3 refuses it");
        self.table.insert(to, (self.table[&from].0, false));
    }

    /// Takes the close-on-exec flag away.
    ///
    /// # Panics
    /// It is not open.
    pub fn inherit(&mut self, number: RawFd) {
        self.table.get_mut(&number).expect("open").1 = false;
    }

    /// `fcntl(from, F_DUPFD_CLOEXEC, 3)`.
    ///
    /// # Panics
    /// `from` is not open, or something is saved already.
    pub fn save(&mut self, from: RawFd) {
        let free = (3..ABOVE).find(|number| !self.table.contains_key(number));
        let free = free.expect("a free one");
        self.table.insert(free, (self.table[&from].0, true));
        assert_eq!(self.saved.replace(free), None, "one at a time");
    }

    /// Moves what was saved to `to`.
    ///
    /// # Panics
    /// Nothing is saved, or it has been overwritten.
    pub fn restore(&mut self, to: RawFd) {
        let saved = self.saved.take().expect("saved before");
        let file = self.table.remove(&saved).expect("nothing has overwritten it").0;
        self.table.insert(to, (file, false));
    }

    /// `close_range(first, last, 0)`.
    pub fn close(&mut self, range: RangeInclusive<u32>) {
        self.table.retain(|number, _| !range.contains(&number.unsigned_abs()));
    }

    /// What it has become.
    ///
    /// # Panics
    /// What was saved is still open.
    pub fn finish(self) -> DescriptorTable {
        assert_eq!(self.saved, None, "left open");
        self.table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forked;

    fn circle() -> DescriptorWish {
        DescriptorWish {
            open: [(0, true), (1, false), (7, true), (9, false)].into(),
            moves: [(0, 1), (1, 0)].into(),
            kept: [7].into(),
            close_rest: true,
        }
    }

    #[test]
    fn a_circle_on_paper() {
        let mut table = circle().on_paper();
        table.save(0);
        table.duplicate(1, 0);
        table.restore(1);
        table.close(8..=u32::MAX);
        assert_eq!(table.finish(), circle().wished());
        assert_eq!(circle().wished(), [(0, (1, false)), (1, (0, false)), (7, (7, true))].into());
    }

    #[test]
    fn a_child_that_does_nothing_is_found_out() {
        let staying = DescriptorWish { moves: BTreeMap::new(), close_rest: false, ..circle() };
        assert_eq!(forked(|| staying.try_in_child(|| ())), 0);
        assert_eq!(forked(|| circle().try_in_child(|| ())), 1);
    }
}
