//! Maps for the property tests, and how many are tried.

use ns_idmap::{Extent, UidMap};
use proptest::prelude::*;
use proptest::test_runner::Config;

/// Fewer under Miri, which is slow; more when a figure is to be shown.
pub(crate) fn config() -> Config {
    let cases = match (cfg!(miri), std::env::var_os("NS_PROVE")) {
        (true, _) => 3,
        (_, Some(_)) => 10_000,
        _ => 200,
    };
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// Under Miri not so large.
const LARGE: usize = if cfg!(miri) { 10 } else { 100 };

/// A valid map: gaps and lengths laid one after the other on both sides, in different orders.
pub(crate) fn any_map() -> impl Strategy<Value = UidMap> {
    let step = (0_u32..4, 0_u32..4, prop_oneof![9 => 1_u32..6, 1 => 1_u32..100_000]);
    let steps = prop_oneof![
        4 => prop::collection::vec(step.clone(), 1..=5),
        2 => prop::collection::vec(step.clone(), 6..30),
        1 => prop::collection::vec(step, LARGE..=LARGE + 20),
    ];
    (steps, any::<u64>()).prop_map(|(steps, seed)| {
        let shuffled = |salt: u64| {
            let mut places: Vec<usize> = (0..steps.len()).collect();
            places.sort_by_key(|&place| (place as u64 + 1).wrapping_mul(seed ^ salt | 1));
            places
        };
        let mut extents = vec![Extent::default(); steps.len()];
        lay(&shuffled(1), &mut extents, |e, first| e.inside = first, &steps, |step| step.0);
        lay(&shuffled(2), &mut extents, |e, first| e.outside = first, &steps, |step| step.1);
        UidMap::new(extents).expect("apart by construction")
    })
}

type Step = (u32, u32, u32);

fn lay(
    order: &[usize],
    extents: &mut [Extent],
    set: impl Fn(&mut Extent, u32),
    steps: &[Step],
    gap: impl Fn(&Step) -> u32,
) {
    let mut next = 0;
    for &place in order {
        next += gap(&steps[place]);
        extents[place].length = steps[place].2;
        set(&mut extents[place], next);
        next += steps[place].2;
    }
}

/// The ids where something begins or ends on either side, and their neighbours.
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
