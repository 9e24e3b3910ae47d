//! Descriptor moves in a child.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::collections::BTreeMap;
use std::os::fd::{AsFd, RawFd};

use ns_fs::FdPlan;
use ns_fs::apply::{self, FdRange};
use ns_testbed::forked;
use rustix::fs::{MemfdFlags, fstat, memfd_create};

use super::descriptors::{NUMBERS, Wish, borrow};

/// The child's own copies of its files lie from here on.
const ABOVE: RawFd = 100;

/// Oracle: the kernel: a forked child reads its table back.
///
/// # Panics
/// Where it is not as wished.
pub fn fd_real(wish: &Wish) {
    let plan = FdPlan::new(&wish.descriptors()).expect("nothing is opened");
    let code = forked(|| {
        let inodes = arrange(wish);
        // SAFETY: this child uses no other descriptor, and ends without closing any.
        unsafe { apply::place_fds(plan.steps()) }.expect("place_fds");
        // SAFETY: as above.
        unsafe { apply::close_rest(plan.ranges()) }.expect("close_rest");
        let wished = wish.wished().into_iter();
        let wished = wished.map(|(number, (source, flag))| (number, (inodes[&source], flag)));
        // At once: owners of closed descriptors must not notice.
        ns_sys::child::exit_group(i32::from(read_back() != wished.collect()))
    });
    assert_eq!(code, 0, "{plan:?} of {wish:?}");
}

/// Opens one file for each number of the wish, and nothing else; gives the files' inodes.
fn arrange(wish: &Wish) -> BTreeMap<RawFd, u64> {
    let copy = |number: &RawFd| {
        let file = memfd_create("fuzz", MemfdFlags::CLOEXEC).expect("memfd");
        (*number, rustix::io::fcntl_dupfd_cloexec(file, ABOVE).expect("duplicate"))
    };
    let files: BTreeMap<_, _> = wish.open.keys().map(copy).collect();
    let below = FdRange { first: 0, last: ABOVE.unsigned_abs() - 1 };
    // SAFETY: this child uses none of them again.
    unsafe { apply::close_rest(&[below]) }.expect("close");
    for (number, file) in &files {
        // SAFETY: just closed.
        unsafe { ns_sys::child::dup3(file.as_fd(), *number, wish.open[number]) }.expect("dup3");
    }
    files.iter().map(|(number, file)| (*number, fstat(file).expect("fstat").st_ino)).collect()
}

/// What is open below [`ABOVE`]: its inode and flag.
fn read_back() -> BTreeMap<RawFd, (u64, bool)> {
    let look = |number| {
        let flags = rustix::io::fcntl_getfd(borrow(number)).ok()?;
        let inode = fstat(borrow(number)).ok()?.st_ino;
        Some((number, (inode, flags.contains(rustix::io::FdFlags::CLOEXEC))))
    };
    (0..ABOVE).filter_map(look).collect()
}

const _: () = assert!(NUMBERS < ABOVE);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_circle_is_read_back() {
        ns_testbed::run_as!([Root, User], {
            fd_real(&Wish {
                open: [(0, true), (1, false), (13, true)].into(),
                moves: [(0, 1), (1, 0), (2, 13)].into(),
                kept: BTreeSet::from([13, 5]),
                close_rest: true,
            });
        });
    }
}
