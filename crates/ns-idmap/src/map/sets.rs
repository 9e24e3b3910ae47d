//! Maps with the same IDs on both sides, the number of mapped IDs, and maps without some IDs.

use super::check;
use super::store::Store;
use crate::{Extent, IdKind, IdMap, RuleError, Side};

impl<K: IdKind> IdMap<K> {
    /// Maps `length` IDs from `first` on to themselves.
    ///
    /// # Errors
    /// The length is 0, or the IDs run past 4294967294.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::UidMap;
    ///
    /// let own = UidMap::identity(1000, 1)?; // as unshare --map-current-user
    /// assert_eq!(own.to_string(), "1000 1000 1\n");
    /// let all = UidMap::identity(0, u32::MAX)?; // as in the initial user namespace
    /// assert_eq!(all.to_string(), "0 0 4294967295\n");
    /// # Ok::<(), ns_idmap::RuleError>(())
    /// ```
    pub fn identity(first: u32, length: u32) -> Result<Self, RuleError> {
        Self::new([Extent { inside: first, outside: first, length }])
    }

    /// Maps each ID inside to itself: the map of a child namespace that has all IDs of this one.
    ///
    /// The extents stay separate, because the kernel refuses one that lies in two of its parent's.
    /// `unshare --map-users=all` writes this map.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::UidMap;
    ///
    /// let parent: UidMap = "0 1000 1,1 100000 65536".parse()?;
    /// let child = parent.inside_identity();
    /// assert_eq!(child.to_string(), "0 0 1\n1 1 65536\n");
    /// assert_eq!(child.compose(&parent)?, parent);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inside_identity(&self) -> Self {
        self.with_extents(|extent| Extent { outside: extent.inside, ..extent })
    }

    /// The number of mapped IDs. At most 4294967295, because 4294967295 is not an ID.
    pub fn count(&self) -> u32 {
        self.iter().map(|extent| extent.length).sum()
    }

    /// This map without `length` IDs from `first` on, which are IDs of `side`. IDs that are not mapped
    /// are ignored.
    ///
    /// # Errors
    /// No ID is left, or there are too many extents.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::{Extent, Side, UidMap};
    ///
    /// // As podman --userns=keep-id: user 1000 stays 1000, and the others are delegated IDs.
    /// let delegated: UidMap = "0 100000 65536".parse()?;
    /// let own = Extent { inside: 1000, outside: 1000, length: 1 };
    /// let others = delegated.without(Side::Inside, 1000, 1)?;
    /// let map = UidMap::new(others.iter().copied().chain([own]))?;
    /// assert_eq!(map.to_string(), "0 100000 1000\n1001 101001 64535\n1000 1000 1\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn without(&self, side: Side, first: u32, length: u32) -> Result<Self, RuleError> {
        let mut store = Store::new();
        for extent in self {
            let parts = extent.without(side, first, length);
            parts.into_iter().flatten().try_for_each(|part| store.push(part))?;
        }
        check::rules(&mut store)?;
        Ok(Self::from_store(store))
    }

    /// The map of changed extents. `change` must keep the rules.
    pub(super) fn with_extents(&self, change: impl Fn(Extent) -> Extent) -> Self {
        let mut store = Store::new();
        let pushed = self.iter().try_for_each(|extent| store.push(change(*extent)));
        debug_assert!(pushed.is_ok(), "the number of extents is the same");
        store.sort();
        Self::from_store(store)
    }
}

impl Extent {
    /// The parts of the extent before and after the IDs from `first` on.
    fn without(self, side: Side, first: u32, length: u32) -> [Option<Self>; 2] {
        let offset_of = |id: u32| id.saturating_sub(self.first(side)).min(self.length);
        // Saturates only at 4294967295, which comes after the last ID.
        let (begin, end) = (offset_of(first), offset_of(first.saturating_add(length)));
        if begin == end {
            return [Some(self), None];
        }
        let before = (begin > 0).then_some(Self { length: begin, ..self });
        let after = (end < self.length).then(|| Self {
            inside: self.inside + end,
            outside: self.outside + end,
            length: self.length - end,
        });
        [before, after]
    }
}
