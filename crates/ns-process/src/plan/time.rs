//! Clocks of a new time namespace.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::NamespaceFlags;

use crate::builder::Offset;

/// The text of `/proc/PID/timens_offsets`, if anything is shifted.
pub(super) fn offsets(
    config: &[Offset],
    namespaces: NamespaceFlags,
) -> Result<Option<String>, String> {
    if config.is_empty() {
        return Ok(None);
    }
    if !namespaces.contains(NamespaceFlags::TIME) {
        return Err("time_offset: needs a new time namespace".to_owned());
    }
    if config.iter().any(|(.., nanoseconds)| *nanoseconds >= 1_000_000_000) {
        return Err("time_offset: has a second or more of nanoseconds".to_owned());
    }
    let line = |(clock, seconds, nanoseconds): &Offset| {
        format!("{} {seconds} {nanoseconds}\n", clock.name())
    };
    Ok(Some(config.iter().map(line).collect::<Vec<_>>().concat()))
}
