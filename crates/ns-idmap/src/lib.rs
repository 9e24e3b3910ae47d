#![cfg_attr(feature = "std", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "std"), doc = "User and group id maps of Linux user namespaces.")]
//!
//! ## The parts
//!
//! [`UidMap`] and [`GidMap`] are one type, [`IdMap`], with a mark; [`ParseError`] and [`RuleError`]
//! say what is wrong with one. With `std`, `Writer` holds the facts about who writes, `WritePlan`
//! what follows from them, `Reason` why something cannot be done; `Helper` runs newuidmap, and
//! `SubIds` knows what it may be asked for.
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
mod delegation;
#[cfg(feature = "std")]
mod helper;
#[cfg(feature = "std")]
mod helper_error;
#[cfg(feature = "std")]
mod helper_run;
#[cfg(feature = "std")]
mod install;
#[cfg(feature = "std")]
mod owner;
#[cfg(feature = "std")]
mod plan;
#[cfg(feature = "std")]
mod proc_dir;
#[cfg(feature = "std")]
mod proc_error;
#[cfg(feature = "std")]
mod read;
#[cfg(feature = "std")]
mod reason;
#[cfg(feature = "std")]
mod refusal;
#[cfg(feature = "std")]
mod setgroups;
#[cfg(feature = "std")]
mod subid;
#[cfg(feature = "std")]
mod write;
#[cfg(feature = "std")]
mod writer;

pub use error::{ComposeError, Numbered, ParseError, RuleError};
pub use extent::{Extent, Field, Side};
pub use list::Item;
pub use map::{Gid, GidMap, IdKind, IdMap, Uid, UidMap};
#[cfg(feature = "std")]
pub use {
    delegation::Delegation,
    helper::Helper,
    helper_error::HelperError,
    install::InstallError,
    owner::Owner,
    plan::WritePlan,
    proc_error::ProcError,
    reason::Reason,
    setgroups::Setgroups,
    subid::{NotEnough, SubIds},
    writer::{Capabilities, Writer},
};

/// How many extents one map may have (since Linux 4.15; 5 before).
pub const MAX_EXTENTS: usize = 340;

/// How many bytes the kernel takes in the one write that sets a map: less than a page of 4096.
pub const MAX_BYTES: usize = 4095;
