//! Numbers of heap allocations.

use benches::by_hand::{LARGE_EXTENTS, SMALL_MAP, large_map as text};
use benches::subjects::{self, run};
use ns_idmap::UidMap;
use ns_testbed::CountingHeap;

use crate::measured::Measured;

pub(crate) fn small_map() -> Measured {
    counted(|| SMALL_MAP.parse::<UidMap>().expect("a valid map"))
}

pub(crate) fn large_map() -> Measured {
    let text = text(LARGE_EXTENTS);
    counted(|| {
        let map: UidMap = text.parse().expect("a valid map");
        (map.to_string(), map)
    })
}

pub(crate) fn plain() -> Measured {
    let plain = subjects::plain();
    run(&plain);
    counted(|| run(&plain))
}

fn counted<T>(work: impl FnOnce() -> T) -> Measured {
    Measured::Count(u32::try_from(CountingHeap::allocations(work)).unwrap_or(u32::MAX))
}
