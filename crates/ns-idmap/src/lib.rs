//! User and group id maps of Linux user namespaces.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod check;
mod compose;
mod error;
mod extent;
mod format;
mod list;
mod lookup;
mod map;
mod parse;
mod store;

#[cfg(feature = "std")]
mod proc_dir;
#[cfg(feature = "std")]
mod proc_error;
#[cfg(feature = "std")]
mod setgroups;
#[cfg(feature = "std")]
mod write;

pub use error::{ComposeError, Numbered, ParseError, RuleError};
pub use extent::{Extent, Field, Side};
pub use list::Item;
pub use map::{Gid, GidMap, IdKind, IdMap, Uid, UidMap};
#[cfg(feature = "std")]
pub use proc_error::ProcError;
#[cfg(feature = "std")]
pub use setgroups::Setgroups;

/// How many extents one map may have (since Linux 4.15; 5 before).
pub const MAX_EXTENTS: usize = 340;

/// How many bytes the kernel takes in the one write that sets a map: less than a page of 4096.
pub const MAX_BYTES: usize = 4095;
