//! Where the extents of a map live: a few inside it, more in one block on the heap.

use alloc::boxed::Box;

use crate::{Extent, MAX_EXTENTS, RuleError, Side};

/// As many as the kernel keeps inline: most maps have fewer, and then nothing is allocated.
const FEW: u16 = 5;

const NO_EXTENT: Extent = Extent { inside: 0, outside: 0, length: 0 };

/// Extents in the order in which they were given.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    Few { len: u16, extents: [Extent; FEW as usize] },
    Many(Box<Many>),
}

/// One block of fixed size, so that growing and sorting cost no second allocation.
#[derive(Clone, Debug)]
pub(crate) struct Many {
    len: u16,
    extents: [Extent; MAX_EXTENTS],
    by_inside: [u16; MAX_EXTENTS],
    by_outside: [u16; MAX_EXTENTS],
}

impl Store {
    pub(crate) const fn new() -> Self {
        Self::Few { len: 0, extents: [NO_EXTENT; FEW as usize] }
    }

    pub(crate) const fn of(extent: Extent) -> Self {
        Self::Few { len: 1, extents: [extent, NO_EXTENT, NO_EXTENT, NO_EXTENT, NO_EXTENT] }
    }

    pub(crate) fn push(&mut self, extent: Extent) -> Result<(), RuleError> {
        let (len, free) = self.room()?;
        free[0] = extent;
        *len += 1;
        Ok(())
    }

    /// The count to raise, and the places behind the last extent: one at least.
    #[inline]
    pub(crate) fn room(&mut self) -> Result<(&mut u16, &mut [Extent]), RuleError> {
        match self {
            Self::Few { len: len @ ..FEW, extents } => {
                let free = &mut extents[usize::from(*len)..];
                Ok((len, free))
            }
            full => full.room_on_heap(),
        }
    }

    #[cold]
    fn room_on_heap(&mut self) -> Result<(&mut u16, &mut [Extent]), RuleError> {
        match self {
            Self::Few { extents, .. } => {
                *self = Self::Many(Many::grown(extents));
                self.room_on_heap()
            }
            Self::Many(many) => many.room(),
        }
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[Extent] {
        match self {
            Self::Few { len, extents } => &extents[..usize::from(*len)],
            Self::Many(many) => &many.extents[..usize::from(many.len)],
        }
    }

    /// Sorts the indices of many extents, and says so; a few have none.
    #[inline]
    pub(crate) fn sort(&mut self) -> bool {
        match self {
            Self::Few { .. } => false,
            Self::Many(many) => {
                many.sort();
                true
            }
        }
    }

    /// The places of the extents, ascending on a side; `None` for a few.
    pub(crate) fn order(&self, side: Side) -> Option<&[u16]> {
        match (self, side) {
            (Self::Few { .. }, _) => None,
            (Self::Many(many), Side::Inside) => Some(&many.by_inside[..usize::from(many.len)]),
            (Self::Many(many), Side::Outside) => Some(&many.by_outside[..usize::from(many.len)]),
        }
    }
}

impl Many {
    fn grown(few: &[Extent]) -> Box<Self> {
        let places = core::array::from_fn(|place| u16::try_from(place).unwrap_or_default());
        let mut many = Box::new(Self {
            len: FEW,
            extents: [NO_EXTENT; MAX_EXTENTS],
            by_inside: places,
            by_outside: places,
        });
        many.extents[..few.len()].copy_from_slice(few);
        many
    }

    fn room(&mut self) -> Result<(&mut u16, &mut [Extent]), RuleError> {
        let free = &mut self.extents[usize::from(self.len)..];
        if free.is_empty() { Err(RuleError::TooMany) } else { Ok((&mut self.len, free)) }
    }

    fn sort(&mut self) {
        let Self { len, extents, by_inside, by_outside } = self;
        let len = usize::from(*len);
        by_inside[..len].sort_unstable_by_key(|&place| extents[usize::from(place)].inside);
        by_outside[..len].sort_unstable_by_key(|&place| extents[usize::from(place)].outside);
    }
}
