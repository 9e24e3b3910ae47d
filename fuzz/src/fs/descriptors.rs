//! Wishes for descriptors.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::collections::BTreeMap;
use std::os::fd::{BorrowedFd, RawFd};

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_fs::{Descriptors, FdPlan, Stdio};
use ns_testbed::DescriptorWish;

/// What is open before, and what is wished for.
#[derive(Clone, Debug)]
pub struct Wish(pub(super) DescriptorWish);

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
        Ok(Self(DescriptorWish { open, moves, kept, close_rest: u.arbitrary()? }))
    }
}

fn number(u: &mut Unstructured<'_>) -> Result<RawFd> {
    u.int_in_range(0..=DescriptorWish::NUMBERS - 1)
}

impl Wish {
    /// As the crate plans it.
    pub(super) fn plan(&self) -> FdPlan {
        let mut wish = Descriptors::new();
        wish.close_rest(self.0.close_rest);
        for number in &self.0.kept {
            wish.keep(*number);
        }
        for (to, from) in &self.0.moves {
            // SAFETY: never -1; used by calls that are made while it is open, or by none.
            wish.place(*to, Stdio::borrowed(unsafe { BorrowedFd::borrow_raw(*from) }));
        }
        FdPlan::new(&wish).expect("nothing is opened")
    }
}
