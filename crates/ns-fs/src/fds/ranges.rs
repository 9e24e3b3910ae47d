//! The ranges between kept descriptor numbers.

use std::prelude::rust_2024::*;

use crate::apply::FdRange;

impl FdRange {
    /// Returns all ranges without the numbers in `kept`, up to `u32::MAX`.
    ///
    /// Allocates.
    ///
    /// # Examples
    /// ```
    /// use ns_fs::apply::FdRange;
    ///
    /// let ranges = FdRange::around([7, 0, 1]);
    /// let expected = [(2, 6), (8, u32::MAX)].map(|(first, last)| FdRange { first, last });
    /// assert_eq!(ranges, expected);
    /// ```
    pub fn around(kept: impl IntoIterator<Item = u32>) -> Vec<Self> {
        let mut kept: Vec<u32> = kept.into_iter().collect();
        kept.sort_unstable();
        kept.dedup();
        let firsts = [Some(0)].into_iter().chain(kept.iter().map(|number| number.checked_add(1)));
        let lasts = kept.iter().map(|number| number.checked_sub(1)).chain([Some(u32::MAX)]);
        let all = firsts.zip(lasts).filter_map(|(first, last)| Some((first?, last?)));
        let all = all.filter(|(first, last)| first <= last);
        all.map(|(first, last)| Self { first, last }).collect()
    }
}
