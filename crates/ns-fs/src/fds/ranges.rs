//! What lies around the numbers that stay.

use std::collections::BTreeSet;
use std::prelude::rust_2024::*;

use crate::apply::FdRange;

/// The ranges without the numbers in `kept`, up to the highest there is; none if nothing is closed.
pub(super) fn around(kept: &BTreeSet<u32>, close: bool) -> Vec<FdRange> {
    if !close {
        return Vec::new();
    }
    let firsts = [0].into_iter().chain(kept.iter().map(|number| number + 1));
    let lasts = kept.iter().map(|number| number.checked_sub(1)).chain([Some(u32::MAX)]);
    let all = firsts.zip(lasts).filter_map(|(first, last)| Some(FdRange { first, last: last? }));
    all.filter(|range| range.first <= range.last).collect()
}
