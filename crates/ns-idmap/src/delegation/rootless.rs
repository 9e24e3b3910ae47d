//! The map of a rootless container.

use crate::{Extent, IdKind, IdMap, RuleError, SubIds};

impl<K: IdKind> IdMap<K> {
    /// Maps `own_id` to 0, and all free delegated IDs to 1 and the IDs that follow.
    ///
    /// The ranges follow one after the other in ascending order. `own_id` is left out of them. A process
    /// in the namespace is then root, and other users have IDs too, as in a rootless container.
    ///
    /// # Errors
    /// `own_id` is 4294967295, which is not an ID, or the ranges exceed the
    /// [number of extents](crate::MAX_EXTENTS) or the [length of the text](crate::MAX_BYTES) of a map.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::{SubIds, UidMap};
    ///
    /// let delegated = SubIds::new([(300_000, 1000), (100_000, 65_536)]);
    /// let map = UidMap::rootless(1000, &delegated)?;
    /// assert_eq!(map.to_string(), "0 1000 1\n1 100000 65536\n65537 300000 1000\n");
    /// # Ok::<(), ns_idmap::RuleError>(())
    /// ```
    pub fn rootless(own_id: u32, delegated: &SubIds) -> Result<Self, RuleError> {
        let own = Extent { inside: 0, outside: own_id, length: 1 };
        let mut ids = delegated.clone();
        ids.reserve(own_id, 1);
        Self::new([own].into_iter().chain(ids.take_all(1)))
    }
}
