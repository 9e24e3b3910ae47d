//! The order of moves in which none overwrites a file that a later move needs.

use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::prelude::rust_2024::*;

use crate::apply::FdStep;

/// Target number to source number.
type Moves = BTreeMap<RawFd, RawFd>;

/// Returns the steps that make each target the file of its source, as if all at once. A move is a target
/// number and a source number.
///
/// Descriptors that already have their number come first, then the moves to numbers that are no longer
/// a source; the remaining moves form cycles. Cycles come last, when every target is open, so that the
/// temporary descriptor takes the number of no target.
pub(super) fn order(moves: impl Iterator<Item = (RawFd, RawFd)>) -> Vec<FdStep> {
    let mut moves = moves.peekable();
    if moves.peek().is_none() {
        return Vec::new();
    }
    let (staying, mut moving): (Moves, Moves) = moves.partition(|(to, from)| to == from);
    let mut steps: Vec<_> = staying.into_keys().map(|fd| FdStep::Inherit { fd }).collect();
    steps.extend(chains(&mut moving));
    while let Some((start, _)) = moving.first_key_value() {
        steps.extend(cycle(*start, &mut moving));
    }
    steps
}

/// Removes all moves outside cycles: those whose chain ends at a number that is no source.
fn chains(moving: &mut Moves) -> Vec<FdStep> {
    let mut uses = count_uses(moving);
    let mut free: Vec<_> = moving.keys().filter(|to| !uses.contains_key(to)).copied().collect();
    let mut steps = Vec::new();
    while let Some((to, from)) = free.pop().and_then(|to| moving.remove_entry(&to)) {
        steps.push(FdStep::Duplicate { from, to });
        if is_last_use(from, &mut uses) && moving.contains_key(&from) {
            free.push(from);
        }
    }
    steps
}

/// Counts the moves from each source number.
fn count_uses(moving: &Moves) -> BTreeMap<RawFd, usize> {
    let mut uses = BTreeMap::new();
    for from in moving.values() {
        *uses.entry(*from).or_default() += 1;
    }
    uses
}

/// Decrements the uses of a source, and returns whether none is left.
fn is_last_use(from: RawFd, uses: &mut BTreeMap<RawFd, usize>) -> bool {
    let count = uses.entry(from).or_default();
    *count = count.saturating_sub(1);
    *count == 0
}

/// Removes the moves of the cycle that contains `start`.
fn cycle(start: RawFd, moving: &mut Moves) -> Vec<FdStep> {
    let mut steps = Vec::from([FdStep::Save { from: start }]);
    let mut to = start;
    while let Some(from) = moving.remove(&to).filter(|from| *from != start) {
        steps.push(FdStep::Duplicate { from, to });
        to = from;
    }
    steps.push(FdStep::Restore { to });
    steps
}
