//! The map of a rootless container: the own ID becomes 0, and the delegated IDs follow.

use ns_idmap::{Extent, MAX_EXTENTS, RuleError, Side, SubIds, UidMap};
use proptest::prelude::*;

use crate::maps::config;

fn rootless(
    own_id: u32,
    ranges: impl IntoIterator<Item = (u32, u32)>,
) -> Result<UidMap, RuleError> {
    UidMap::rootless(own_id, &SubIds::new(ranges))
}

#[test]
fn a23_delegated_ids_follow_the_own_id() {
    for (ranges, expected) in [
        (vec![], "0 1000 1\n"),
        (vec![(100_000, 65_536)], "0 1000 1\n1 100000 65536\n"),
        (vec![(300_000, 5), (100_000, 10)], "0 1000 1\n1 100000 10\n11 300000 5\n"),
        (vec![(100_000, 10), (100_005, 10)], "0 1000 1\n1 100000 15\n"),
        (vec![(1000, 1)], "0 1000 1\n"),
        (vec![(990, 20)], "0 1000 1\n1 990 10\n11 1001 9\n"),
    ] {
        let map = rootless(1000, ranges.clone()).expect("valid");
        assert_eq!(map.to_string(), expected, "{ranges:?}");
    }
}

/// IDs that another map has taken are left out.
#[test]
fn a23_reserved_ids_are_not_mapped() {
    let mut ids = SubIds::new([(100_000, 10)]);
    ids.reserve(100_003, 2);
    let map = UidMap::rootless(1000, &ids).expect("valid");
    assert_eq!(map.to_string(), "0 1000 1\n1 100000 3\n4 100005 5\n");
    assert_eq!(ids.left(), 8, "it is unchanged");
}

/// All IDs may be delegated: no number overflows.
#[test]
fn a23_all_ids_can_be_mapped() {
    for own_id in [0, 1, 1000, u32::MAX - 1] {
        let map = rootless(own_id, [(0, u32::MAX)]).expect("valid");
        assert_eq!((map.count(), map.to_outside(0)), (u32::MAX, Some(own_id)));
        let last = if own_id == u32::MAX - 1 { own_id - 1 } else { u32::MAX - 1 };
        assert_eq!(map.to_inside(last), Some(u32::MAX - 1));
    }
    for ranges in [vec![], vec![(0, u32::MAX)]] {
        let error = rootless(u32::MAX, ranges).expect_err("no ID");
        assert!(matches!(error, RuleError::NotAnId { side: Side::Outside, .. }), "{error}");
    }
}

/// Too many ranges are an error. None of them is dropped silently.
#[test]
fn a06_too_many_ranges_are_refused() {
    let ranges = |first: u32, count: u32| (0..count).map(move |index| (first + 2 * index, 1));
    let most = u32::try_from(MAX_EXTENTS).expect("small") - 1;
    assert_eq!(rootless(7, ranges(100, most)).expect("valid").extents().len(), MAX_EXTENTS);
    assert_eq!(rootless(7, ranges(100, most + 1)), Err(RuleError::TooMany));
    let error = rootless(7, ranges(4_000_000_000, most)).expect_err("the text is too long");
    assert!(matches!(error, RuleError::TooLong { .. }), "{error}");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a23_each_delegated_id_is_mapped_once(
        own_id in 0_u32..250,
        ranges in prop::collection::vec((0_u32..200, 0_u32..30), 0..12),
    ) {
        let ids = SubIds::new(ranges);
        let map = UidMap::rootless(own_id, &ids).expect("few ranges");
        let delegated = (0..300).filter(|id| *id != own_id && ids.covers(*id, 1));
        let expected: Vec<u32> = [own_id].into_iter().chain(delegated).collect();
        prop_assert_eq!(map.count() as usize, expected.len());
        for (inside, outside) in (0..).zip(expected) {
            prop_assert_eq!(map.to_outside(inside), Some(outside));
        }
    }

    #[test]
    fn a23_any_ranges_make_a_valid_map_or_an_error(
        own_id in any::<u32>(),
        ranges in prop::collection::vec((any::<u32>(), any::<u32>()), 0..400),
        short in any::<bool>(),
    ) {
        let length = |length: u32| if short { length % 9 } else { length };
        let ids = SubIds::new(ranges.into_iter().map(|(first, count)| (first, length(count))));
        match UidMap::rootless(own_id, &ids) {
            Ok(map) => {
                let others = ids.left() - u32::from(ids.covers(own_id, 1));
                prop_assert_eq!(map.count() - 1, others);
                prop_assert_eq!(map.to_inside(own_id), Some(0));
                prop_assert_eq!(&UidMap::new(map.iter().copied()).expect("valid"), &map);
                let covered = |e: &Extent| e.outside == own_id || ids.covers(e.outside, e.length);
                prop_assert!(map.iter().all(covered));
            }
            Err(RuleError::TooMany) => prop_assert!(ids.ranges().len() >= MAX_EXTENTS - 1),
            Err(RuleError::TooLong { .. }) => prop_assert!(ids.ranges().len() > 100),
            Err(error) => prop_assert_eq!(own_id, u32::MAX, "{}", error),
        }
    }
}
