//! The kernel's rules for a map, in the order of `map_write` in `kernel/user_namespace.c`.

use crate::store::Store;
use crate::{Extent, MAX_BYTES, Numbered, RuleError, Side, format};

/// Checks everything, and sorts the indices on the way.
#[inline]
pub(crate) fn map(store: &mut Store) -> Result<(), RuleError> {
    rules(store)?;
    length(store.as_slice())
}

/// Checks all but the length of the text: of a map that is only read or computed.
#[inline]
pub(crate) fn rules(store: &mut Store) -> Result<(), RuleError> {
    let extents = store.as_slice();
    if extents.is_empty() {
        return Err(RuleError::Empty);
    }
    extents.iter().enumerate().try_for_each(|(place, extent)| one(place, *extent))?;
    if store.sort() {
        Side::BOTH.into_iter().try_for_each(|side| neighbours(store, side))
    } else {
        pairs(store.as_slice())
    }
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
    let ends = |first: u32| first.checked_add(extent.length).is_some();
    if extent.length > 0 && ends(extent.inside) && ends(extent.outside) {
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
    for (second, extent) in extents.iter().enumerate() {
        for (first, other) in extents[..second].iter().enumerate() {
            if let Some(side) = Side::BOTH.into_iter().find(|side| meet(extent, other, *side)) {
                return Err(clash(extents, first, second, side));
            }
        }
    }
    Ok(())
}

#[inline]
fn meet(one: &Extent, other: &Extent, side: Side) -> bool {
    one.first(side) <= other.last(side) && other.first(side) <= one.last(side)
}

#[cold]
fn clash(extents: &[Extent], first: usize, second: usize, side: Side) -> RuleError {
    let at = |place| Numbered { entry: place + 1, extent: extents[place] };
    RuleError::Overlap { side, first: at(first), second: at(second) }
}
