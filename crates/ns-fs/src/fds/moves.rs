//! Moves as if made all at once, in an order in which none overwrites what another needs.

use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::prelude::rust_2024::*;

use crate::apply::FdStep;

/// Target and source of what is still to be moved.
type Moves = BTreeMap<RawFd, RawFd>;

/// The steps after which each key is the file that its value was before.
///
/// What stays at its number comes first, then what overwrites nothing that is still needed; what
/// remains runs in circles. These come last, when every target is open, so that the number of the
/// temporary descriptor is none of them.
pub(super) fn order(wish: &Moves) -> Vec<FdStep> {
    let (staying, mut moving): (Moves, Moves) =
        wish.iter().map(|(to, from)| (*to, *from)).partition(|(to, from)| to == from);
    let mut steps: Vec<_> = staying.into_keys().map(|fd| FdStep::Inherit { fd }).collect();
    steps.extend(chains(&mut moving));
    while let Some((start, _)) = moving.first_key_value() {
        steps.extend(circle(*start, &mut moving));
    }
    steps
}

/// Takes out all moves that end, in time, at a number which nobody needs.
fn chains(moving: &mut Moves) -> Vec<FdStep> {
    let mut needed = uses(moving);
    let mut free: Vec<_> = moving.keys().filter(|to| !needed.contains_key(to)).copied().collect();
    let mut steps = Vec::new();
    while let Some((to, from)) = free.pop().and_then(|to| moving.remove_entry(&to)) {
        steps.push(FdStep::Duplicate { from, to });
        if no_longer_needed(from, &mut needed) && moving.contains_key(&from) {
            free.push(from);
        }
    }
    steps
}

/// How many moves need a number.
fn uses(moving: &Moves) -> BTreeMap<RawFd, usize> {
    let mut uses = BTreeMap::new();
    for from in moving.values() {
        *uses.entry(*from).or_default() += 1;
    }
    uses
}

/// Counts one use less; whether it was the last.
fn no_longer_needed(from: RawFd, needed: &mut BTreeMap<RawFd, usize>) -> bool {
    let uses = needed.entry(from).or_default();
    *uses = uses.saturating_sub(1);
    *uses == 0
}

/// Takes out the moves of the circle through `start`.
fn circle(start: RawFd, moving: &mut Moves) -> Vec<FdStep> {
    let mut steps = Vec::from([FdStep::Save { from: start }]);
    let mut to = start;
    while let Some(from) = moving.remove(&to).filter(|from| *from != start) {
        steps.push(FdStep::Duplicate { from, to });
        to = from;
    }
    steps.push(FdStep::Restore { to });
    steps
}
