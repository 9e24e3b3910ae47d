//! Lookup and comparison.

use core::hash::{Hash, Hasher};
use core::slice;

use super::store::INLINE;
use crate::{Extent, IdKind, IdMap, Side};

impl<K: IdKind> IdMap<K> {
    /// Translates an ID inside to the ID in the parent namespace; `None` if it is not mapped.
    ///
    /// Takes O(log n) time.
    pub fn to_outside(&self, inside: u32) -> Option<u32> {
        self.translate(Side::Inside, inside)
    }

    /// Translates an ID of the parent namespace to the ID inside; `None` if it is not mapped.
    ///
    /// Inside, an unmapped ID appears as the overflow ID: 65534, unless
    /// `/proc/sys/kernel/overflowuid` or `overflowgid` has another value. Takes O(log n) time.
    pub fn to_inside(&self, outside: u32) -> Option<u32> {
        self.translate(Side::Outside, outside)
    }

    /// Whether an ID inside is mapped, so that `setuid(2)` and `chown(2)` accept it there.
    pub fn contains(&self, inside: u32) -> bool {
        self.to_outside(inside).is_some()
    }

    fn translate(&self, from: Side, id: u32) -> Option<u32> {
        let extent = self.extent_at(from, id)?;
        Some(extent.first(from.other()) + extent.offset(from, id)?)
    }

    /// The extent that has `id` on `side`.
    pub(super) fn extent_at(&self, side: Side, id: u32) -> Option<&Extent> {
        let extents = self.extents();
        let candidate = match self.store.order(side) {
            None => extents.iter().find(|extent| extent.offset(side, id).is_some()),
            Some(order) => {
                let at = |index: u16| &extents[usize::from(index)];
                let after = order.partition_point(|&index| at(index).first(side) <= id);
                order[..after].last().map(|&index| at(index))
            }
        };
        candidate.filter(|extent| extent.offset(side, id).is_some())
    }

    /// The extents, in the order in which they were given.
    pub fn iter(&self) -> slice::Iter<'_, Extent> {
        self.extents().iter()
    }

    /// The extents in ascending order of their inside IDs.
    fn ascending(&self) -> impl Iterator<Item = Extent> {
        let mut few = [Extent::default(); INLINE as usize];
        let order = self.store.order(Side::Inside);
        let count = if order.is_some() { 0 } else { self.extents().len() };
        few[..count].copy_from_slice(&self.extents()[..count]);
        few[..count].sort_unstable();
        let many = order.unwrap_or_default().iter();
        few.into_iter().take(count).chain(many.map(|&index| self.extents()[usize::from(index)]))
    }
}

impl<K: IdKind> PartialEq for IdMap<K> {
    fn eq(&self, other: &Self) -> bool {
        self.extents().len() == other.extents().len() && self.ascending().eq(other.ascending())
    }
}

impl<K: IdKind> Eq for IdMap<K> {}

impl<K: IdKind> Hash for IdMap<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ascending().for_each(|extent| extent.hash(state));
    }
}

impl<'a, K: IdKind> IntoIterator for &'a IdMap<K> {
    type Item = &'a Extent;
    type IntoIter = slice::Iter<'a, Extent>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
