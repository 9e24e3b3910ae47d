//! One line of a map.

use core::fmt;

/// A range of `length` IDs, which begins at `inside` in the namespace and at `outside` in its parent.
///
/// Any numbers are allowed. The rules are checked when a map is made of extents.
///
/// # References
/// `user_namespaces(7)`, "User and group ID mappings: `uid_map` and `gid_map`".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Extent {
    /// The first ID in the user namespace of the map.
    pub inside: u32,
    /// The first ID in the parent user namespace.
    pub outside: u32,
    /// The number of IDs.
    pub length: u32,
}

/// The two sides of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// IDs in the user namespace of the map.
    Inside,
    /// IDs in its parent user namespace.
    Outside,
}

/// The three numbers of an extent, in the order of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// [`Extent::inside`]
    Inside,
    /// [`Extent::outside`]
    Outside,
    /// [`Extent::length`]
    Length,
}

impl Extent {
    /// The first ID on a side.
    pub(crate) const fn first(&self, side: Side) -> u32 {
        match side {
            Side::Inside => self.inside,
            Side::Outside => self.outside,
        }
    }

    /// The last ID on a side. The extent must keep the rules.
    pub(crate) const fn last(&self, side: Side) -> u32 {
        self.first(side) + (self.length - 1)
    }

    /// The distance from the first ID of a side to `id`; `None` if the extent does not have `id`.
    pub(crate) const fn offset(&self, side: Side, id: u32) -> Option<u32> {
        match id.checked_sub(self.first(side)) {
            Some(offset) if offset < self.length => Some(offset),
            _ => None,
        }
    }
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Inside, Self::Outside];

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Inside => Self::Outside,
            Self::Outside => Self::Inside,
        }
    }
}

/// Prints `inside outside length`: a line of a map without the line end.
impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.inside, self.outside, self.length)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
        })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inside => "inside ID",
            Self::Outside => "outside ID",
            Self::Length => "length",
        })
    }
}
