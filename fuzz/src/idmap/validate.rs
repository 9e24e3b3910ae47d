//! Validation of extents.

use ns_idmap::{Extent, MAX_EXTENTS, Numbered, RuleError, Side, UidMap};

use super::extents::Extents;
use super::naive;

/// Validates a list of extents.
///
/// Oracle: the reference implementation, which compares each pair of extents. The error must also be true of the
/// extents.
///
/// # Panics
/// If the crate and the reference implementation disagree.
pub fn validate(extents: &Extents) {
    let extents = &extents.0;
    let map = UidMap::new(extents.iter().copied());
    assert_eq!(map.is_ok(), naive::is_map(extents), "{map:?} {extents:?}");
    match &map {
        Ok(map) => check_lookups(map),
        Err(error) => assert!(is_true(error, extents), "{error} {extents:?}"),
    }
    let listed = UidMap::from_list(extents.iter().copied());
    assert_eq!(listed.map_err(|error| error.to_string()), map.map_err(|error| error.to_string()));
}

fn is_true(error: &RuleError, extents: &[Extent]) -> bool {
    let is_there = |at: &Numbered| extents.get(at.entry - 1) == Some(&at.extent);
    match error {
        RuleError::Empty => extents.is_empty(),
        RuleError::ZeroLength(at) => is_there(at) && at.extent.length == 0,
        RuleError::NotAnId { at, side } => is_there(at) && ids(*side, &at.extent).0 == naive::END,
        RuleError::Wraps { at, side } => is_there(at) && ids(*side, &at.extent).1 > naive::END,
        RuleError::Overlap { side, first, second } => {
            let (one, other) = (ids(*side, &first.extent), ids(*side, &second.extent));
            let there = is_there(first) && is_there(second) && first.entry < second.entry;
            there && naive::overlap(one, other)
        }
        RuleError::TooMany => extents.len() > MAX_EXTENTS,
        RuleError::TooLong { bytes } => *bytes == naive::text(extents).len(),
        _ => false,
    }
}

fn ids(side: Side, extent: &Extent) -> (u64, u64) {
    match side {
        Side::Inside => naive::inside(extent),
        Side::Outside => naive::outside(extent),
    }
}

/// Checks lookups at the bounds of each extent and next to them, against a linear search.
fn check_lookups(map: &UidMap) {
    for extent in map {
        let ends = [extent.inside, extent.inside + (extent.length - 1)];
        for id in ends.iter().flat_map(|end| [end.wrapping_sub(1), *end, end.wrapping_add(1)]) {
            let found = map.extents().iter().find(|other| {
                let (first, end) = naive::inside(other);
                (first..end).contains(&id.into())
            });
            let outside = found.map(|other| other.outside + (id - other.inside));
            assert_eq!(map.to_outside(id), outside, "{id} in {map}");
            assert_eq!(map.contains(id), outside.is_some(), "{id} in {map}");
            assert_eq!(outside.and_then(|outside| map.to_inside(outside)), outside.map(|_| id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(inside: u32, outside: u32, length: u32) -> Extent {
        Extent { inside, outside, length }
    }

    #[test]
    fn known_lists_are_validated() {
        let lists = [
            vec![],
            vec![extent(0, 0, 1)],
            vec![extent(0, 0, 10), extent(5, 100, 10)],
            vec![extent(u32::MAX, 0, 1)],
            vec![extent(u32::MAX - 1, 0, 2)],
            vec![extent(0, 0, 0)],
            (0..341).map(|n| extent(n, n, 1)).collect(),
            (0..340).map(|n| extent(4_000_000_000 + n, 4_000_000_000 + n, 1)).collect(),
        ];
        lists.map(Extents).iter().for_each(validate);
    }

    #[test]
    fn an_error_about_another_rule_is_rejected() {
        let extents = [extent(0, 0, 1), extent(1, 0, 1)];
        let at = |entry: usize| Numbered { entry, extent: extents[entry - 1] };
        let overlap = |side| RuleError::Overlap { side, first: at(1), second: at(2) };
        assert!(is_true(&overlap(Side::Outside), &extents));
        assert!(!is_true(&overlap(Side::Inside), &extents));
        assert!(!is_true(&RuleError::TooMany, &extents));
    }
}
