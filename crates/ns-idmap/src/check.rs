//! The kernel's rules for a map, in the order of `map_write` in `kernel/user_namespace.c`.

use crate::store::Store;
use crate::{Extent, MAX_BYTES, Numbered, RuleError, Side, format};

/// Checks everything, and sorts the indices on the way.
pub(crate) fn map(store: &mut Store) -> Result<(), RuleError> {
    rules(store)?;
    length(store.as_slice())
}

/// Checks all but the length of the text: of a map that is only read or computed.
pub(crate) fn rules(store: &mut Store) -> Result<(), RuleError> {
    let extents = store.as_slice();
    if extents.is_empty() {
        return Err(RuleError::Empty);
    }
    extents.iter().enumerate().try_for_each(|(place, extent)| one(place, *extent))?;
    store.sort();
    overlaps(store)
}

/// Checks that the text fits into one write.
pub(crate) fn length(extents: &[Extent]) -> Result<(), RuleError> {
    if extents.len() * format::LINE <= MAX_BYTES {
        return Ok(());
    }
    let bytes = extents.iter().map(format::line_length).sum();
    if bytes > MAX_BYTES { Err(RuleError::TooLong { bytes }) } else { Ok(()) }
}

/// Checks one extent by itself.
pub(crate) fn one(place: usize, extent: Extent) -> Result<(), RuleError> {
    let at = Numbered { entry: place + 1, extent };
    if extent.length == 0 {
        return Err(RuleError::ZeroLength(at));
    }
    for side in Side::BOTH {
        let first = extent.first(side);
        if first == u32::MAX {
            return Err(RuleError::NotAnId { at, side });
        }
        // The last id may be 4294967294, so the sum may reach 4294967295 but not pass it.
        if first.checked_add(extent.length).is_none() {
            return Err(RuleError::Wraps { at, side });
        }
    }
    Ok(())
}

fn overlaps(store: &Store) -> Result<(), RuleError> {
    Side::BOTH.into_iter().try_for_each(|side| match store.order(side) {
        Some(order) => neighbours(store.as_slice(), order, side),
        None => pairs(store.as_slice(), side),
    })
}

/// In ascending order only neighbours can overlap first.
fn neighbours(extents: &[Extent], order: &[u16], side: Side) -> Result<(), RuleError> {
    for pair in order.windows(2) {
        let (low, high) = (usize::from(pair[0]), usize::from(pair[1]));
        if extents[low].last(side) >= extents[high].first(side) {
            return Err(clash(extents, low.min(high), low.max(high), side));
        }
    }
    Ok(())
}

fn pairs(extents: &[Extent], side: Side) -> Result<(), RuleError> {
    for (second, extent) in extents.iter().enumerate() {
        let earlier = extents[..second].iter().position(|other| meet(other, extent, side));
        if let Some(first) = earlier {
            return Err(clash(extents, first, second, side));
        }
    }
    Ok(())
}

fn meet(one: &Extent, other: &Extent, side: Side) -> bool {
    one.first(side) <= other.last(side) && other.first(side) <= one.last(side)
}

#[cold]
fn clash(extents: &[Extent], first: usize, second: usize, side: Side) -> RuleError {
    let at = |place| Numbered { entry: place + 1, extent: extents[place] };
    RuleError::Overlap { side, first: at(first), second: at(second) }
}
