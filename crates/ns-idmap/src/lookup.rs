//! Questions to a map: which id is which.

use core::hash::{Hash, Hasher};
use core::slice;

use crate::{Extent, IdKind, IdMap, Side};

impl<K: IdKind> IdMap<K> {
    /// The id in the parent namespace that an id inside stands for; `None` if it is not mapped.
    ///
    /// O(log n).
    pub fn to_outside(&self, inside: u32) -> Option<u32> {
        self.translate(Side::Inside, inside)
    }

    /// The id inside that an id of the parent namespace appears as; `None` if it is not mapped.
    ///
    /// O(log n). An unmapped id shows inside as the overflow id, 65534 unless
    /// `/proc/sys/kernel/overflowuid` says otherwise.
    pub fn to_inside(&self, outside: u32) -> Option<u32> {
        self.translate(Side::Outside, outside)
    }

    /// Whether an id inside is mapped, so that `setuid(2)` or `chown(2)` may name it there.
    pub fn contains(&self, inside: u32) -> bool {
        self.to_outside(inside).is_some()
    }

    fn translate(&self, from: Side, id: u32) -> Option<u32> {
        let extent = self.extent_at(from, id)?;
        Some(extent.first(from.other()) + extent.offset(from, id)?)
    }

    /// The extent that has `id` on `side`.
    pub(crate) fn extent_at(&self, side: Side, id: u32) -> Option<&Extent> {
        let extents = self.extents();
        let candidate = match self.store.order(side) {
            None => extents.iter().find(|extent| extent.offset(side, id).is_some()),
            Some(order) => {
                let at = |place: u16| &extents[usize::from(place)];
                let after = order.partition_point(|&place| at(place).first(side) <= id);
                order[..after].last().map(|&place| at(place))
            }
        };
        candidate.filter(|extent| extent.offset(side, id).is_some())
    }

    /// The extents, in the order in which they were given.
    pub fn iter(&self) -> slice::Iter<'_, Extent> {
        self.extents().iter()
    }

    /// The extents, ascending by their inside ids.
    pub(crate) fn ascending(&self) -> impl Iterator<Item = Extent> {
        let mut few = [Extent::default(); 5];
        let order = self.store.order(Side::Inside);
        let count = if order.is_some() { 0 } else { self.extents().len() };
        few[..count].copy_from_slice(&self.extents()[..count]);
        few[..count].sort_unstable();
        let many = order.unwrap_or_default().iter();
        few.into_iter().take(count).chain(many.map(|&place| self.extents()[usize::from(place)]))
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
