//! Operations with an inverse, or with a slow and obvious equivalent.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use ns_idmap::{Extent, RuleError, Side, UidMap};
use proptest::prelude::*;

use crate::maps::{any_map, config, edges};

/// A linear search.
fn linear_lookup(map: &UidMap, inside: u32) -> Option<u32> {
    let at = |e: &&Extent| e.inside <= inside && inside - e.inside < e.length;
    map.iter().find(at).map(|e| e.outside + (inside - e.inside))
}

fn hash(map: &UidMap) -> u64 {
    let mut hasher = DefaultHasher::new();
    map.hash(&mut hasher);
    hasher.finish()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a05_parse_is_the_inverse_of_format(map in any_map()) {
        let text = map.to_string();
        let parsed: UidMap = text.parse().expect("the text of a map");
        prop_assert_eq!(parsed.extents(), map.extents());
        prop_assert_eq!(parsed.to_string(), text.as_str());
        let shown = text.lines().fold(String::new(), |shown, line| {
            let columns: Vec<_> = line.split(' ').map(|word| format!("{word:>10}")).collect();
            shown + &columns.join(" ") + "\n"
        });
        prop_assert_eq!(UidMap::from_shown(&shown), Ok(Some(parsed)));
    }

    #[test]
    fn a05_all_forms_mean_the_same(map in any_map()) {
        let commas = map.to_string().trim_end().replace('\n', ",");
        prop_assert_eq!(commas.parse(), Ok(map.clone()));
        let colons = commas.replace(' ', ":");
        prop_assert_eq!(colons.parse(), Ok(map.clone()));
        let items: Vec<_> = map.iter().map(ToString::to_string).collect();
        prop_assert_eq!(UidMap::from_list(&items), Ok(map.clone()));
        prop_assert_eq!(UidMap::from_list(map.iter().copied()), Ok(map));
    }

    #[test]
    fn a24_lookup_equals_linear_search(map in any_map(), more in prop::collection::vec(any::<u32>(), 9)) {
        let inverse = map.inverse();
        for id in edges(&map).into_iter().chain(more) {
            let outside = linear_lookup(&map, id);
            prop_assert_eq!(map.to_outside(id), outside);
            prop_assert_eq!(map.contains(id), outside.is_some());
            prop_assert_eq!(inverse.to_inside(id), outside);
            if let Some(outside) = outside {
                prop_assert_eq!(map.to_inside(outside), Some(id));
            }
            if let Some(inside) = map.to_inside(id) {
                prop_assert_eq!(map.to_outside(inside), Some(id));
            }
        }
    }

    #[test]
    fn count_is_the_number_of_mapped_ids(map in any_map()) {
        let ids = map.iter().map(|e| u64::from(e.length)).sum::<u64>();
        prop_assert_eq!(u64::from(map.count()), ids);
        prop_assert_eq!(map.inverse().count(), map.count());
    }

    #[test]
    fn identity_inside_changes_nothing(map in any_map(), id in any::<u32>()) {
        let identity = map.inside_identity();
        prop_assert_eq!(identity.compose(&map), Ok(map.clone()));
        prop_assert_eq!(identity.split_at(&map), Ok(identity.clone()));
        prop_assert_eq!(identity.count(), map.count());
        for id in edges(&map).into_iter().chain([id]) {
            prop_assert_eq!(identity.to_outside(id), map.contains(id).then_some(id));
        }
    }

    #[test]
    fn without_removes_exactly_these_ids(
        map in any_map(),
        pick in any::<prop::sample::Index>(),
        length in prop_oneof![0_u32..9, 0_u32..99_999, Just(u32::MAX)],
        side in prop::sample::select(vec![Side::Inside, Side::Outside]),
    ) {
        let first = *pick.get(&edges(&map));
        let is_removed = |inside: u32, outside: u32| {
            let id = if side == Side::Inside { inside } else { outside };
            id >= first && u64::from(id) < u64::from(first) + u64::from(length)
        };
        let probes = || edges(&map).into_iter().chain((0..9).flat_map(|n| {
            [first.saturating_add(n), first.saturating_sub(n), first.saturating_add(length).saturating_sub(n)]
        }));
        match map.without(side, first, length) {
            Ok(rest) => {
                for id in probes().chain(probes().filter_map(|id| map.to_inside(id))) {
                    let kept = map.to_outside(id).filter(|outside| !is_removed(id, *outside));
                    prop_assert_eq!(rest.to_outside(id), kept, "{} of {:?}", id, &map);
                }
                prop_assert_eq!(rest.without(side, first, length), Ok(rest));
            }
            Err(error) => {
                prop_assert_eq!(error, RuleError::Empty);
                let last = |e: &Extent| (e.inside + (e.length - 1), e.outside + (e.length - 1));
                let all = map.iter().all(|e| is_removed(e.inside, e.outside) && is_removed(last(e).0, last(e).1));
                prop_assert!(all, "{:?} has other IDs", &map);
            }
        }
    }

    #[test]
    fn inverse_is_its_own_inverse(map in any_map()) {
        let inverse = map.inverse();
        let twice = inverse.inverse();
        prop_assert_eq!(twice.extents(), map.extents());
        let outside: HashSet<_> = map.iter().map(|e| (e.outside, e.inside, e.length)).collect();
        let inverted: HashSet<_> = inverse.iter().map(|e| (e.inside, e.outside, e.length)).collect();
        prop_assert_eq!(outside, inverted);
    }

    #[test]
    fn equality_ignores_the_order(map in any_map(), other in any_map()) {
        let mut extents = map.extents().to_vec();
        extents.reverse();
        let reversed = UidMap::new(extents.iter().copied()).expect("the same extents");
        prop_assert_eq!(&reversed, &map);
        prop_assert_eq!(hash(&reversed), hash(&map));
        extents.pop();
        prop_assert!(extents.is_empty() || UidMap::new(extents).expect("fewer extents") != map);
        let sets: [HashSet<_>; 2] = [&map, &other].map(|map| map.iter().copied().collect());
        prop_assert_eq!(map == other, sets[0] == sets[1]);
    }

    #[test]
    fn a09_compose_equals_two_lookups(child in any_map(), parent in any_map()) {
        let missing = child.iter().any(|e| (0..e.length.min(2000)).chain([e.length - 1])
            .any(|offset| !parent.contains(e.outside + offset)));
        match child.compose(&parent) {
            Ok(composed) => {
                prop_assert!(!missing);
                for id in edges(&child).into_iter().chain(edges(&composed)) {
                    let outside = child.to_outside(id).and_then(|id| parent.to_outside(id));
                    prop_assert_eq!(composed.to_outside(id), outside);
                }
            }
            Err(error) => prop_assert!(missing || parent.extents().len() > 300 || child.iter().any(|e| e.length > 2000), "{}", error),
        }
    }

    #[test]
    fn a09_split_keeps_the_mapping(parent in any_map(), seed in any::<u32>()) {
        // A child that covers the parent's inside IDs, from the first one to the first gap.
        let first = parent.iter().map(|e| e.inside).min().expect("not empty");
        let mut end = first;
        while let Some(over) = parent.iter().find(|e| e.inside == end) {
            end += over.length;
        }
        let cut = seed % (end - first);
        let child = UidMap::new([Extent { inside: 7, outside: first + cut, length: end - first - cut }]).expect("one extent");
        let split = child.split_at(&parent).expect("no gap");
        for id in edges(&child).into_iter().chain(edges(&split)) {
            prop_assert_eq!(split.to_outside(id), child.to_outside(id));
        }
        for piece in &split {
            let holds = |e: &&Extent| e.inside <= piece.outside && piece.outside + piece.length <= e.inside + e.length;
            prop_assert_eq!(parent.iter().filter(holds).count(), 1, "{} lies in one extent of {}", piece, &parent);
        }
        let starts = parent.iter().filter(|e| first + cut < e.inside && e.inside < end).count();
        prop_assert_eq!(split.extents().len(), starts + 1, "as few pieces as possible");
        prop_assert_eq!(child.compose(&parent), split.compose(&parent));
        prop_assert_eq!(split.split_at(&parent), Ok(split.clone()));
    }
}

#[test]
fn maps_of_different_lengths_differ() {
    let [one, two]: [UidMap; 2] = ["0 0 1,5 5 1", "0 0 1"].map(|text| text.parse().expect("parse"));
    assert_ne!(one, two);
    assert_ne!(two, "0 0 2".parse().expect("parse"));
}

/// The extents of the child lie in several extents of the parent.
#[test]
fn a09_compose_across_extents() {
    let parent: UidMap = "10 500 5,0 100 10,15 900 1".parse().expect("parse");
    let child: UidMap = "50 3 13,0 0 2".parse().expect("parse");
    let composed = child.compose(&parent).expect("covered");
    assert_eq!(composed.to_string(), "50 103 7\n57 500 5\n62 900 1\n0 100 2\n");
    assert_eq!(
        child.split_at(&parent).expect("covered").to_string(),
        "50 3 7\n57 10 5\n62 15 1\n0 0 2\n"
    );
    let whole: UidMap = "0 0 4294967295".parse().expect("parse");
    assert_eq!(whole.compose(&whole).as_ref(), Ok(&whole));
    assert_eq!(child.compose(&whole).as_ref(), Ok(&child));
}

#[test]
fn identity_maps() {
    assert_eq!(UidMap::identity(1000, 1).expect("one ID").to_string(), "1000 1000 1\n");
    let all = UidMap::identity(0, u32::MAX).expect("all IDs");
    assert_eq!((all.to_string(), all.count()), ("0 0 4294967295\n".into(), u32::MAX));
    assert!(matches!(UidMap::identity(5, 0), Err(RuleError::ZeroLength(_))));
    assert!(matches!(UidMap::identity(1, u32::MAX), Err(RuleError::Wraps { .. })));
    assert!(matches!(UidMap::identity(u32::MAX, 1), Err(RuleError::NotAnId { .. })));
}

#[test]
fn without_splits_extents() {
    let map: UidMap = "0 100000 10,20 7 1".parse().expect("parse");
    let without = |side, first, length| map.without(side, first, length).map(|map| map.to_string());
    assert_eq!(without(Side::Inside, 4, 1), Ok("0 100000 4\n5 100005 5\n20 7 1\n".into()));
    assert_eq!(without(Side::Outside, 0, 100_005), Ok("5 100005 5\n".into()));
    assert_eq!(without(Side::Inside, 4, 0), Ok(map.to_string()));
    assert_eq!(without(Side::Inside, 10, 10), Ok(map.to_string()));
    assert_eq!(without(Side::Inside, 0, 21), Err(RuleError::Empty));
    let pairs: Vec<_> =
        (0..340).map(|n| Extent { inside: 9 * n, outside: 9 * n, length: 3 }).collect();
    let full = UidMap::new(pairs).expect("340 extents");
    assert_eq!(full.without(Side::Inside, 10, 1), Err(RuleError::TooMany));
    let invalid = UidMap::from(u32::MAX).without(Side::Outside, u32::MAX, 1);
    assert!(matches!(invalid, Err(RuleError::NotAnId { .. })), "{invalid:?}");
}

/// Equal maps have equal hashes, in any order of their extents.
#[test]
fn equal_maps_have_equal_hashes() {
    let hash = |text: &str| hash(&text.parse().expect("parse"));
    assert_eq!(hash("0 1000 1,1 2000 5"), hash("1 2000 5,0 1000 1"));
    assert_ne!(hash("0 1000 1,1 2000 5"), hash("0 1000 1"));
    assert_ne!(hash("0 1000 1"), hash("0 1001 1"));
}

#[test]
fn iteration_keeps_the_given_order() {
    let map: UidMap = "5 2000 5,0 1000 1".parse().expect("parse");
    let inside: Vec<u32> = (&map).into_iter().map(|extent| extent.inside).collect();
    assert_eq!(inside, [5, 0]);
}
