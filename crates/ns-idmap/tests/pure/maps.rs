//! Random maps for the property tests, and the number of cases.

use ns_idmap::{Extent, UidMap};
use proptest::prelude::*;
use proptest::test_runner::Config;

/// Few cases under Miri, which is slow; many with `NS_STRESS`.
pub(crate) fn config() -> Config {
    let cases = match (cfg!(miri), std::env::var_os("NS_STRESS")) {
        (true, _) => 3,
        (_, Some(_)) => 10_000,
        _ => 200,
    };
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// The number of extents of a large map.
const LARGE: usize = if cfg!(miri) { 10 } else { 100 };

/// A valid map: gaps and extents follow each other on both sides, in different orders.
pub(crate) fn any_map() -> impl Strategy<Value = UidMap> {
    let step = (0_u32..4, 0_u32..4, prop_oneof![9 => 1_u32..6, 1 => 1_u32..100_000]);
    let steps = prop_oneof![
        4 => prop::collection::vec(step.clone(), 1..=5),
        2 => prop::collection::vec(step.clone(), 6..30),
        1 => prop::collection::vec(step, LARGE..=LARGE + 20),
    ];
    (steps, any::<u64>()).prop_map(|(steps, seed)| {
        let shuffled = |salt: u64| {
            let mut indices: Vec<usize> = (0..steps.len()).collect();
            indices.sort_by_key(|&index| (index as u64 + 1).wrapping_mul(seed ^ salt | 1));
            indices
        };
        let mut extents = vec![Extent::default(); steps.len()];
        place(&shuffled(1), &mut extents, |e, first| e.inside = first, &steps, |step| step.0);
        place(&shuffled(2), &mut extents, |e, first| e.outside = first, &steps, |step| step.1);
        UidMap::new(extents).expect("disjoint by construction")
    })
}

/// The gap before an extent inside and outside, and its length.
type Step = (u32, u32, u32);

/// Places the extents on one side, in this order.
fn place(
    order: &[usize],
    extents: &mut [Extent],
    set: impl Fn(&mut Extent, u32),
    steps: &[Step],
    gap: impl Fn(&Step) -> u32,
) {
    let mut next = 0;
    for &index in order {
        next += gap(&steps[index]);
        extents[index].length = steps[index].2;
        set(&mut extents[index], next);
        next += steps[index].2;
    }
}

/// The first and last IDs of all extents on both sides, and their neighbours.
pub(crate) fn edges(map: &UidMap) -> Vec<u32> {
    let mut ids = vec![0, u32::MAX - 1, u32::MAX];
    for e in map {
        for first in [e.inside, e.outside] {
            ids.extend([
                first.saturating_sub(1),
                first,
                first + 1,
                first + e.length - 1,
                first + e.length,
            ]);
        }
    }
    ids
}
