//! The kernel's rules for a map, in the order of `map_write` in `kernel/user_namespace.c`.

use super::format;
use super::store::Store;
use crate::{Extent, MAX_BYTES, Numbered, RuleError, Side};
#[cfg(feature = "std")]
use crate::{IdKind, IdMap};

#[cfg(feature = "std")]
impl<K: IdKind> IdMap<K> {
    /// The extent of a map of one single ID.
    pub(crate) fn single(&self) -> Option<Extent> {
        match self.extents() {
            [extent] if extent.length == 1 => Some(*extent),
            _ => None,
        }
    }

    /// Checks what `From<u32>` and computed maps do not check: the ID, and the length of the text.
    pub(crate) fn check_for_write(&self) -> Result<(), RuleError> {
        self.single().map_or(Ok(()), |one| extent(0, one))?;
        text_length(self.extents())
    }
}

/// Checks all rules, and sorts the indices of the store.
#[inline]
pub(super) fn all(store: &mut Store) -> Result<(), RuleError> {
    text_length(rules(store)?)
}

/// Checks all rules but the length of the text, for a map that is read or computed. Sorts the indices
/// of the store.
#[inline]
pub(super) fn rules(store: &mut Store) -> Result<&[Extent], RuleError> {
    let is_sorted = store.sort();
    let extents = store.as_slice();
    if extents.is_empty() {
        return Err(RuleError::Empty);
    }
    extents.iter().enumerate().try_for_each(|(index, one)| extent(index, *one))?;
    if is_sorted {
        Side::BOTH.into_iter().try_for_each(|side| neighbours(store, side))?;
    } else {
        pairs(extents)?;
    }
    Ok(extents)
}

/// Checks that the text fits into one write.
#[inline]
pub(super) fn text_length(extents: &[Extent]) -> Result<(), RuleError> {
    // Most maps are too small to exceed the limit, so no digit has to be counted.
    if extents.len() * format::LINE <= MAX_BYTES { Ok(()) } else { counted_length(extents) }
}

#[cold]
fn counted_length(extents: &[Extent]) -> Result<(), RuleError> {
    let bytes = extents.iter().map(format::line_length).sum();
    if bytes > MAX_BYTES { Err(RuleError::TooLong { bytes }) } else { Ok(()) }
}

/// Checks one extent alone.
#[inline]
pub(super) fn extent(index: usize, extent: Extent) -> Result<(), RuleError> {
    // The last ID is 4294967294, so first + length may reach 4294967295 but not exceed it.
    let longest = u32::MAX - extent.inside.max(extent.outside);
    if (1..=longest).contains(&extent.length) {
        return Ok(());
    }
    Err(extent_error(Numbered { entry: index + 1, extent }))
}

#[cold]
fn extent_error(at: Numbered) -> RuleError {
    let Extent { inside, outside, length } = at.extent;
    if length == 0 {
        return RuleError::ZeroLength(at);
    }
    let side = if inside.checked_add(length).is_none() { Side::Inside } else { Side::Outside };
    match (side, inside, outside) {
        (Side::Inside, u32::MAX, _) | (Side::Outside, _, u32::MAX) => {
            RuleError::NotAnId { at, side }
        }
        _ => RuleError::Wraps { at, side },
    }
}

/// Checks sorted extents for overlap: if any two overlap, two neighbours do.
fn neighbours(store: &Store, side: Side) -> Result<(), RuleError> {
    let (extents, order) = (store.as_slice(), store.order(side).unwrap_or_default());
    for pair in order.windows(2) {
        let (low, high) = (usize::from(pair[0]), usize::from(pair[1]));
        if extents[low].last(side) >= extents[high].first(side) {
            return Err(overlap_error(extents, low.min(high), low.max(high), side));
        }
    }
    Ok(())
}

/// Checks a few extents for overlap: comparing each pair is faster than sorting.
#[inline]
fn pairs(extents: &[Extent]) -> Result<(), RuleError> {
    for second in 1..extents.len() {
        for first in 0..second {
            for side in Side::BOTH {
                if overlaps(&extents[first], &extents[second], side) {
                    return Err(overlap_error(extents, first, second, side));
                }
            }
        }
    }
    Ok(())
}

/// Of two extents that overlap, one begins within the other.
///
/// A negative distance wraps to one that is greater than any length, because no extent wraps. `|` computes
/// both sides without a branch.
#[inline]
fn overlaps(one: &Extent, other: &Extent, side: Side) -> bool {
    let distance = other.first(side).wrapping_sub(one.first(side));
    (distance < one.length) | (distance.wrapping_neg() < other.length)
}

#[cold]
fn overlap_error(extents: &[Extent], first: usize, second: usize, side: Side) -> RuleError {
    let at = |index| Numbered { entry: index + 1, extent: extents[index] };
    RuleError::Overlap { side, first: at(first), second: at(second) }
}
