//! The storage of a map: a few extents inline, more in one block on the heap.

use alloc::boxed::Box;

use crate::{Extent, MAX_EXTENTS, RuleError, Side};

/// The largest number of inline extents, as in the kernel. Most maps have fewer and do not allocate.
pub(super) const INLINE: u16 = 5;

const NO_EXTENT: Extent = Extent { inside: 0, outside: 0, length: 0 };

/// Extents in the order in which they were given.
#[derive(Clone, Debug)]
pub(super) enum Store {
    Inline { len: u16, extents: [Extent; INLINE as usize] },
    Heap(Box<Block>),
}

/// A block of fixed size, so that adding and sorting need no second allocation.
#[derive(Clone, Debug)]
pub(super) struct Block {
    len: u16,
    extents: [Extent; MAX_EXTENTS],
    by_inside: [u16; MAX_EXTENTS],
    by_outside: [u16; MAX_EXTENTS],
}

impl Store {
    pub(super) const fn new() -> Self {
        Self::Inline { len: 0, extents: [NO_EXTENT; INLINE as usize] }
    }

    pub(super) const fn single(extent: Extent) -> Self {
        Self::Inline { len: 1, extents: [extent, NO_EXTENT, NO_EXTENT, NO_EXTENT, NO_EXTENT] }
    }

    pub(super) fn push(&mut self, extent: Extent) -> Result<(), RuleError> {
        let (len, spare) = self.spare()?;
        spare[0] = extent;
        *len += 1;
        Ok(())
    }

    /// The number of extents, to be increased, and the slots after the last extent: at least one.
    #[inline]
    pub(super) fn spare(&mut self) -> Result<(&mut u16, &mut [Extent]), RuleError> {
        match self {
            Self::Inline { len: len @ ..INLINE, extents } => {
                let spare = &mut extents[usize::from(*len)..];
                Ok((len, spare))
            }
            full => full.spare_on_heap(),
        }
    }

    #[cold]
    fn spare_on_heap(&mut self) -> Result<(&mut u16, &mut [Extent]), RuleError> {
        match self {
            Self::Inline { extents, .. } => {
                *self = Self::Heap(Block::from_inline(extents));
                self.spare_on_heap()
            }
            Self::Heap(block) => block.spare(),
        }
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[Extent] {
        match self {
            Self::Inline { len, extents } => &extents[..usize::from(*len)],
            Self::Heap(block) => &block.extents[..usize::from(block.len)],
        }
    }

    /// Sorts the indices of a block. Returns false for inline extents, which have no indices.
    #[inline]
    pub(super) fn sort(&mut self) -> bool {
        match self {
            Self::Inline { .. } => false,
            Self::Heap(block) => {
                block.sort();
                true
            }
        }
    }

    /// The indices of the extents, ascending on a side; `None` for inline extents.
    pub(super) fn order(&self, side: Side) -> Option<&[u16]> {
        match (self, side) {
            (Self::Inline { .. }, _) => None,
            (Self::Heap(block), Side::Inside) => Some(&block.by_inside[..usize::from(block.len)]),
            (Self::Heap(block), Side::Outside) => Some(&block.by_outside[..usize::from(block.len)]),
        }
    }
}

impl Block {
    fn from_inline(extents: &[Extent]) -> Box<Self> {
        let indices = core::array::from_fn(|index| u16::try_from(index).unwrap_or_default());
        let mut block = Box::new(Self {
            len: INLINE,
            extents: [NO_EXTENT; MAX_EXTENTS],
            by_inside: indices,
            by_outside: indices,
        });
        block.extents[..extents.len()].copy_from_slice(extents);
        block
    }

    fn spare(&mut self) -> Result<(&mut u16, &mut [Extent]), RuleError> {
        let spare = &mut self.extents[usize::from(self.len)..];
        if spare.is_empty() { Err(RuleError::TooMany) } else { Ok((&mut self.len, spare)) }
    }

    fn sort(&mut self) {
        let Self { len, extents, by_inside, by_outside } = self;
        let len = usize::from(*len);
        by_inside[..len].sort_unstable_by_key(|&index| extents[usize::from(index)].inside);
        by_outside[..len].sort_unstable_by_key(|&index| extents[usize::from(index)].outside);
    }
}
