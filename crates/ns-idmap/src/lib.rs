#![cfg_attr(feature = "std", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "std"),
    doc = "Parses, checks and composes the user and group ID maps of Linux user namespaces."
)]
//!
//! ## Overview
//!
//! - [`UidMap`] and [`GidMap`]: valid maps, to parse, look up, compose and print. Both are an [`IdMap`].
//! - [`Extent`]: one line of a map. [`Item`]: one item of a list of IDs, texts and extents.
//! - [`ParseError`], [`RuleError`], [`ComposeError`]: why a map is not valid.
#![cfg_attr(
    feature = "std",
    doc = "- [`IdMap::read`]: the map of a process. [`Setgroups`]: its `setgroups` file."
)]
#![cfg_attr(
    feature = "std",
    doc = "- [`Writer`], [`WritePlan`], [`Reason`]: how a process can write a map, or why it cannot."
)]
#![cfg_attr(
    feature = "std",
    doc = "- [`UidMap::write`], [`IdMap::write_by`], [`UidMap::install`]: write directly, through a \
           [`Helper`], or as planned."
)]
#![cfg_attr(
    feature = "std",
    doc = "- [`SubIds`], [`Owner`], [`Delegation`]: the IDs that `/etc/subuid` and `/etc/subgid` delegate."
)]
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod map;

#[cfg(feature = "std")]
mod delegation;
#[cfg(feature = "std")]
mod error;
#[cfg(feature = "std")]
mod proc;
#[cfg(feature = "std")]
mod write;

pub use map::{
    ComposeError, Extent, Field, Gid, GidMap, IdKind, IdMap, Item, Numbered, ParseError, RuleError,
    Side, Uid, UidMap,
};
#[cfg(feature = "std")]
pub use {
    delegation::{Delegation, NotEnough, Owner, SkippedLine, SubIds},
    error::{HelperError, InstallError, ProcError, Reason},
    proc::Setgroups,
    write::{Capabilities, Helper, WritePlan, Writer},
};

/// The largest number of extents in one map (since Linux 4.15; 5 before).
pub const MAX_EXTENTS: usize = 340;

/// The largest number of bytes in the one write that sets a map: one less than a page of 4096.
pub const MAX_BYTES: usize = 4095;
