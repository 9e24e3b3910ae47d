//! The kernel's rules for a map, in the order of `map_write` in `kernel/user_namespace.c`.

use crate::store::Store;
use crate::{Extent, MAX_BYTES, Numbered, RuleError, Side, format};

/// Checks everything, and sorts the indices on the way.
#[inline]
pub(crate) fn map(store: &mut Store) -> Result<(), RuleError> {
    length(rules(store)?)
}

/// Checks all but the length of the text: of a map that is only read or computed.
#[inline]
pub(crate) fn rules(store: &mut Store) -> Result<&[Extent], RuleError> {
    let has_order = store.sort();
    let extents = store.as_slice();
    if extents.is_empty() {
        return Err(RuleError::Empty);
    }
    extents.iter().enumerate().try_for_each(|(place, extent)| one(place, *extent))?;
    if has_order {
        Side::BOTH.into_iter().try_for_each(|side| neighbours(store, side))?;
    } else {
        pairs(extents)?;
    }
    Ok(extents)
}

/// Checks that the text fits into one write.
#[inline]
pub(crate) fn length(extents: &[Extent]) -> Result<(), RuleError> {
    // Most maps are so small that no digit has to be counted.
    if extents.len() * format::LINE <= MAX_BYTES { Ok(()) } else { counted_length(extents) }
}

#[cold]
fn counted_length(extents: &[Extent]) -> Result<(), RuleError> {
    let bytes = extents.iter().map(format::line_length).sum();
    if bytes > MAX_BYTES { Err(RuleError::TooLong { bytes }) } else { Ok(()) }
}

/// Checks one extent by itself.
#[inline]
pub(crate) fn one(place: usize, extent: Extent) -> Result<(), RuleError> {
    // The last id may be 4294967294, so a sum may reach 4294967295 but not pass it.
    let longest = u32::MAX - extent.inside.max(extent.outside);
    if (1..=longest).contains(&extent.length) {
        return Ok(());
    }
    Err(broken(Numbered { entry: place + 1, extent }))
}

#[cold]
fn broken(at: Numbered) -> RuleError {
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

/// In ascending order only neighbours can overlap first.
fn neighbours(store: &Store, side: Side) -> Result<(), RuleError> {
    let (extents, order) = (store.as_slice(), store.order(side).unwrap_or_default());
    for pair in order.windows(2) {
        let (low, high) = (usize::from(pair[0]), usize::from(pair[1]));
        if extents[low].last(side) >= extents[high].first(side) {
            return Err(clash(extents, low.min(high), low.max(high), side));
        }
    }
    Ok(())
}

/// Of a few, each with each is faster than sorting.
#[inline]
fn pairs(extents: &[Extent]) -> Result<(), RuleError> {
    for second in 1..extents.len() {
        for first in 0..second {
            for side in Side::BOTH {
                if meet(&extents[first], &extents[second], side) {
                    return Err(clash(extents, first, second, side));
                }
            }
        }
    }
    Ok(())
}

/// Of two that have ids in common, one begins in the other.
#[inline]
fn meet(one: &Extent, other: &Extent, side: Side) -> bool {
    let begins = |one: &Extent, other: &Extent| other.offset(side, one.first(side)).is_some();
    begins(one, other) || begins(other, one)
}

#[cold]
fn clash(extents: &[Extent], first: usize, second: usize, side: Side) -> RuleError {
    let at = |place| Numbered { entry: place + 1, extent: extents[place] };
    RuleError::Overlap { side, first: at(first), second: at(second) }
}
