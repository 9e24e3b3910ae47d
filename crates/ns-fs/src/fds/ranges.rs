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
        Self::around_sorted(&kept)
    }

    /// As [`around`](Self::around), for numbers in ascending order.
    pub(crate) fn around_sorted(kept: &[u32]) -> Vec<Self> {
        let mut ranges = Vec::with_capacity(kept.len() + 1);
        // `None` after the largest number.
        let mut first = Some(0);
        for number in kept {
            if let Some(first) = first.filter(|first| first < number) {
                ranges.push(Self { first, last: number - 1 });
            }
            first = number.checked_add(1);
        }
        ranges.extend(first.map(|first| Self { first, last: u32::MAX }));
        ranges
    }
}
