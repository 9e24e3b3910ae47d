//! What is wrong with a map, told before any system call.

use core::fmt;

use thiserror::Error;

use crate::{Extent, Field, MAX_BYTES, MAX_EXTENTS, Side};

/// An extent and its place in the map, to be named in an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Numbered {
    /// The place, counted from 1 as lines are.
    pub entry: usize,
    /// The extent.
    pub extent: Extent,
}

impl fmt::Display for Numbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} ({})", self.entry, self.extent)
    }
}

/// A rule of the kernel that a map breaks; each would be `EINVAL` from `write(2)`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RuleError {
    /// There is no extent at all.
    #[error("the map is empty; give at least one entry, as in \"0 1000 1\"")]
    Empty,
    /// An extent of no ids.
    #[error("{0}: the length is 0; it must be at least 1")]
    ZeroLength(Numbered),
    /// The first id is 4294967295, which means "no id".
    #[error("{at}: 4294967295 is not an {side} id; the last one is 4294967294")]
    NotAnId {
        /// The extent.
        at: Numbered,
        /// The side that begins there.
        side: Side,
    },
    /// The ids would run past 4294967294.
    #[error("{at}: the {side} ids run past 4294967294; shorten the length or begin lower")]
    Wraps {
        /// The extent.
        at: Numbered,
        /// The side that runs past the end.
        side: Side,
    },
    /// Two extents have ids in common.
    #[error("{first} and {second} share {side} ids; each id may stand on a side only once")]
    Overlap {
        /// The side on which they clash.
        side: Side,
        /// The one with the lower place in the map.
        first: Numbered,
        /// The one with the higher place.
        second: Numbered,
    },
    /// More than [`MAX_EXTENTS`].
    #[error("more than {MAX_EXTENTS} extents; join neighbouring ranges, the kernel takes no more")]
    TooMany,
    /// The text for the kernel would have more than [`MAX_BYTES`] bytes.
    #[error("{bytes} bytes of text; the kernel takes {MAX_BYTES} at most: give fewer entries")]
    TooLong {
        /// How many bytes it would have.
        bytes: usize,
    },
}

/// Why a text is not a map.
///
/// Entries are counted from 1, through all items of a list.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// A blank line, or nothing between two commas.
    #[error("entry {entry} is blank; remove the extra comma or line end")]
    BlankEntry {
        /// Which entry.
        entry: usize,
    },
    /// Two numbers where one or three belong.
    #[error("entry {entry}: the {field} is missing; write \"inside outside length\"")]
    Missing {
        /// Which entry.
        entry: usize,
        /// The number that is not there.
        field: Field,
    },
    /// Something other than a digit.
    #[error("entry {entry}: {found:?} in the {field}; write decimal digits")]
    NotANumber {
        /// Which entry.
        entry: usize,
        /// In which number.
        field: Field,
        /// The character in the way.
        found: char,
    },
    /// A `+` or `-`.
    #[error("entry {entry}: a sign before the {field}; write decimal digits only")]
    Sign {
        /// Which entry.
        entry: usize,
        /// Before which number.
        field: Field,
    },
    /// `0x…`; the kernel reads decimal numbers only.
    #[error("entry {entry}: the {field} is hexadecimal; write it in decimal")]
    Hexadecimal {
        /// Which entry.
        entry: usize,
        /// Which number.
        field: Field,
    },
    /// A number of more than 32 bits. The kernel would take its low bits, silently.
    #[error("entry {entry}: the {field} has more than 32 bits; the last id is 4294967294")]
    TooLarge {
        /// Which entry.
        entry: usize,
        /// Which number.
        field: Field,
    },
    /// Something behind the third number.
    #[error("entry {entry}: {found:?} after the length; an entry has three numbers at most")]
    Trailing {
        /// Which entry.
        entry: usize,
        /// The first character of it.
        found: char,
    },
    /// A NUL byte. The kernel would take what is before it, silently.
    #[error("entry {entry}: a NUL byte; remove it")]
    Nul {
        /// Which entry.
        entry: usize,
    },
    /// The numbers are fine, the map is not.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

/// Why a map cannot stand on a parent's map.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// An outside id that the parent's map does not have inside; `EPERM` from the kernel.
    #[error("{at}: the parent's map has no id {id}; use ids that it maps")]
    Unmapped {
        /// The extent.
        at: Numbered,
        /// The first of its outside ids that is missing.
        id: u32,
    },
    /// The map that comes out breaks a rule: too many extents.
    #[error(transparent)]
    Rule(#[from] RuleError),
}
