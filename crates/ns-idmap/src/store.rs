//! Where the extents of a map live: a few inside it, more in one block on the heap.

use alloc::boxed::Box;

use crate::{Extent, MAX_EXTENTS, RuleError, Side};

/// As many as the kernel keeps inline: most maps have fewer, and then nothing is allocated.
const FEW: usize = 5;

const NO_EXTENT: Extent = Extent { inside: 0, outside: 0, length: 0 };

/// Extents in the order in which they were given.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    Few { len: u8, extents: [Extent; FEW] },
    Many(Box<Many>),
}

/// One block of fixed size, so that growing and sorting cost no second allocation.
#[derive(Clone, Debug)]
pub(crate) struct Many {
    len: usize,
    extents: [Extent; MAX_EXTENTS],
    by_inside: [u16; MAX_EXTENTS],
    by_outside: [u16; MAX_EXTENTS],
}

impl Store {
    pub(crate) const fn new() -> Self {
        Self::Few { len: 0, extents: [NO_EXTENT; FEW] }
    }

    pub(crate) const fn of(extent: Extent) -> Self {
        Self::Few { len: 1, extents: [extent, NO_EXTENT, NO_EXTENT, NO_EXTENT, NO_EXTENT] }
    }

    pub(crate) fn push(&mut self, extent: Extent) -> Result<(), RuleError> {
        *self.next()? = extent;
        Ok(())
    }

    /// Makes room for one more extent at the end.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<&mut Extent, RuleError> {
        match self {
            Self::Few { len, extents } if usize::from(*len) == FEW => {
                *self = Self::Many(Many::grown(extents));
            }
            _ => {}
        }
        match self {
            Self::Few { len, extents } => {
                let place = usize::from(*len);
                *len += 1;
                Ok(&mut extents[place])
            }
            Self::Many(many) => many.next(),
        }
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[Extent] {
        match self {
            Self::Few { len, extents } => &extents[..usize::from(*len)],
            Self::Many(many) => &many.extents[..many.len],
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
            (Self::Many(many), Side::Inside) => Some(&many.by_inside[..many.len]),
            (Self::Many(many), Side::Outside) => Some(&many.by_outside[..many.len]),
        }
    }
}

impl Many {
    #[cold]
    fn grown(few: &[Extent; FEW]) -> Box<Self> {
        let places = core::array::from_fn(|place| u16::try_from(place).unwrap_or_default());
        let mut many = Box::new(Self {
            len: FEW,
            extents: [NO_EXTENT; MAX_EXTENTS],
            by_inside: places,
            by_outside: places,
        });
        many.extents[..FEW].copy_from_slice(few);
        many
    }

    fn next(&mut self) -> Result<&mut Extent, RuleError> {
        let place = self.extents.get_mut(self.len).ok_or(RuleError::TooMany)?;
        self.len += 1;
        Ok(place)
    }

    fn sort(&mut self) {
        let Self { len, extents, by_inside, by_outside } = self;
        by_inside[..*len].sort_unstable_by_key(|&place| extents[usize::from(place)].inside);
        by_outside[..*len].sort_unstable_by_key(|&place| extents[usize::from(place)].outside);
    }
}
