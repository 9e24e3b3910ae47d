//! Wishes for descriptors.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{BorrowedFd, RawFd};

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_fs::Stdio;

/// What is open before, and what is wished for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Number to whether it is close-on-exec.
    pub(super) open: BTreeMap<RawFd, bool>,
    /// Number to the number that it is to be made of.
    pub(super) moves: BTreeMap<RawFd, RawFd>,
    pub(super) kept: BTreeSet<RawFd>,
    pub(super) close_rest: bool,
}

/// Numbers are below.
pub(super) const NUMBERS: RawFd = 14;

impl<'a> Arbitrary<'a> for Wish {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut open: BTreeMap<RawFd, bool> = BTreeMap::new();
        for _ in 0..u.int_in_range(1..=9)? {
            open.insert(number(u)?, u.arbitrary()?);
        }
        let sources: Vec<_> = open.keys().copied().collect();
        let mut moves = BTreeMap::new();
        for _ in 0..u.int_in_range(0..=9)? {
            moves.insert(number(u)?, *u.choose(&sources)?);
        }
        let kept = (0..u.int_in_range(0..=3)?).map(|_| number(u)).collect::<Result<_>>()?;
        Ok(Self { open, moves, kept, close_rest: u.arbitrary()? })
    }
}

fn number(u: &mut Unstructured<'_>) -> Result<RawFd> {
    u.int_in_range(0..=NUMBERS - 1)
}

/// Number to what it was before, and its close-on-exec flag.
pub(super) type Table = BTreeMap<RawFd, (RawFd, bool)>;

impl Wish {
    /// As the crate takes it.
    pub(super) fn descriptors(&self) -> ns_fs::Descriptors {
        let mut wish = ns_fs::Descriptors::new();
        wish.close_rest(self.close_rest);
        for number in &self.kept {
            wish.keep(*number);
        }
        for (to, from) in &self.moves {
            wish.place(*to, Stdio::borrowed(borrow(*from)));
        }
        wish
    }

    pub(super) fn before(&self) -> Table {
        self.open.iter().map(|(number, flag)| (*number, (*number, *flag))).collect()
    }

    /// What must come of it.
    pub(super) fn wished(&self) -> Table {
        let mut table = self.before();
        table.retain(|number, _| !self.close_rest || *number <= 2 || self.kept.contains(number));
        table.extend(self.moves.iter().map(|(to, from)| (*to, (*from, false))));
        table
    }
}

/// A number, not looked at.
pub(super) fn borrow(number: RawFd) -> BorrowedFd<'static> {
    // SAFETY: never -1; used by calls that are made while it is open, or by none.
    unsafe { BorrowedFd::borrow_raw(number) }
}
