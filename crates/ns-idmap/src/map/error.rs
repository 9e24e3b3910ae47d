//! Why a map is not valid. These errors are found without a system call.

use core::fmt;

use thiserror::Error;

use crate::{Extent, Field, MAX_BYTES, MAX_EXTENTS, Side};

/// An extent and its position in the map, as errors name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Numbered {
    /// The position, counted from 1.
    pub entry: usize,
    /// The extent.
    pub extent: Extent,
}

impl fmt::Display for Numbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} ({})", self.entry, self.extent)
    }
}

/// A rule of the kernel that a map breaks. For each, `write(2)` would fail with `EINVAL`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The map has no extent.
    #[error("the map is empty; give at least one entry, as in \"0 1000 1\"")]
    Empty,
    /// The length of an extent is 0.
    #[error("{0}: the length is 0; it must be at least 1")]
    ZeroLength(Numbered),
    /// The first ID is 4294967295, which is not an ID.
    #[error("{at}: 4294967295 is not an {side} ID; the last one is 4294967294")]
    NotAnId {
        /// The extent.
        at: Numbered,
        /// The side on which it is the first ID.
        side: Side,
    },
    /// The IDs of an extent run past 4294967294.
    #[error("{at}: the {side} IDs run past 4294967294; shorten the length or begin lower")]
    Wraps {
        /// The extent.
        at: Numbered,
        /// The side on which they do.
        side: Side,
    },
    /// Two extents have IDs in common.
    #[error("{first} and {second} share {side} IDs; each ID may appear only once per side")]
    Overlap {
        /// Whether they overlap inside or outside the namespace.
        side: Side,
        /// Of the two extents, the one that is earlier in the map.
        first: Numbered,
        /// The extent that comes second.
        second: Numbered,
    },
    /// The map has more than [`MAX_EXTENTS`] extents.
    #[error("more than {MAX_EXTENTS} extents, the kernel's limit; merge adjacent ranges")]
    TooMany,
    /// The text of the map has more than [`MAX_BYTES`] bytes.
    #[error(
        "the text has {bytes} bytes; the kernel accepts at most {MAX_BYTES}: give fewer entries"
    )]
    TooLong {
        /// The length of the text.
        bytes: usize,
    },
}

/// Why a text is not a valid map.
///
/// Entries are counted from 1, and through all items of a list.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// An entry is blank: an empty line, or nothing between two commas.
    #[error("entry {entry} is blank; remove the extra comma or line end")]
    BlankEntry {
        /// The position of the entry.
        entry: usize,
    },
    /// The outside ID or the length of an entry is missing.
    #[error("entry {entry}: the {field} is missing; write \"inside outside length\"")]
    Missing {
        /// The position of the entry.
        entry: usize,
        /// The number that is missing.
        field: Field,
    },
    /// A number contains a character that is not a digit.
    #[error("entry {entry}: {found:?} in the {field}; write decimal digits")]
    NotANumber {
        /// The position of the entry.
        entry: usize,
        /// The number.
        field: Field,
        /// The first such character.
        found: char,
    },
    /// A number begins with `+` or `-`.
    #[error("entry {entry}: a sign before the {field}; write decimal digits only")]
    Sign {
        /// The position of the entry.
        entry: usize,
        /// The number.
        field: Field,
    },
    /// A number begins with `0x`. The kernel reads decimal numbers only.
    #[error("entry {entry}: the {field} is hexadecimal; write it in decimal")]
    Hexadecimal {
        /// The position of the entry.
        entry: usize,
        /// The number.
        field: Field,
    },
    /// A number has more than 32 bits. The kernel would silently use its low 32 bits.
    #[error("entry {entry}: the {field} has more than 32 bits; the last ID is 4294967294")]
    TooLarge {
        /// The position of the entry.
        entry: usize,
        /// The number.
        field: Field,
    },
    /// An entry continues after the third number.
    #[error("entry {entry}: {found:?} after the length; an entry has three numbers at most")]
    Trailing {
        /// The position of the entry.
        entry: usize,
        /// The first character after it.
        found: char,
    },
    /// The text contains a NUL byte. The kernel would silently ignore the rest.
    #[error("entry {entry}: a NUL byte; remove it")]
    Nul {
        /// The position of the entry.
        entry: usize,
    },
    /// The text is well formed, but the map breaks a rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

/// Why a map does not fit into the map of a parent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// The parent's map does not have an outside ID. The kernel would fail with `EPERM`.
    #[error("{at}: the parent's map has no ID {id}; use IDs that it maps")]
    Unmapped {
        /// The extent.
        at: Numbered,
        /// The first of its outside IDs that is missing.
        id: u32,
    },
    /// The resulting map breaks a rule: it has too many extents.
    #[error(transparent)]
    Rule(#[from] RuleError),
}
