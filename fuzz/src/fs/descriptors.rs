//! Inputs of the descriptor targets.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::collections::BTreeMap;
use std::os::fd::{BorrowedFd, RawFd};

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_fs::{Descriptors, FdPlan, Stdio};
use ns_testbed::DescriptorRequest;

/// The descriptors that are open, and the ones that are requested.
#[derive(Clone, Debug)]
pub struct DescriptorCase(pub(super) DescriptorRequest);

impl<'a> Arbitrary<'a> for DescriptorCase {
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
        Ok(Self(DescriptorRequest { open, moves, kept, close_rest: u.arbitrary()? }))
    }
}

fn number(u: &mut Unstructured<'_>) -> Result<RawFd> {
    u.int_in_range(0..=DescriptorRequest::NUMBERS - 1)
}

impl DescriptorCase {
    /// Returns the plan that the crate makes.
    pub(super) fn plan(&self) -> FdPlan {
        let mut descriptors = Descriptors::new();
        descriptors.close_rest(self.0.close_rest);
        for number in &self.0.kept {
            descriptors.keep(*number);
        }
        for (to, from) in &self.0.moves {
            // SAFETY: the number is never -1, and calls use it only while it is open.
            descriptors.place(*to, Stdio::borrowed(unsafe { BorrowedFd::borrow_raw(*from) }));
        }
        FdPlan::new(&descriptors).expect("plan")
    }
}
