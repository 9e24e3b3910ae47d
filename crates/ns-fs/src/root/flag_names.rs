//! The names of flags, as the system calls take them.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::child::MountFlags;

use crate::attributes::{ATIME_MASK, MountAttrs};

/// `MOUNT_ATTR_*` of mount_setattr(2) and fsmount(2).
pub(super) fn attributes(bits: u64) -> String {
    // mount_setattr(2) clears all bits that hold how access times are updated, or none.
    let clears_atime = bits & ATIME_MASK == ATIME_MASK;
    let others = if clears_atime { bits & !ATIME_MASK } else { bits };
    let attrs = MountAttrs::from_bits_retain(others);
    let names = attrs.iter_names().map(|(name, _)| format!("MOUNT_ATTR_{name}"));
    let atime = clears_atime.then(|| "MOUNT_ATTR__ATIME".to_owned());
    joined(names.chain(atime))
}

/// `MS_*` of mount(2).
pub(super) fn mount_flags(flags: MountFlags) -> String {
    let names = flags.iter_names().map(|(name, _)| match name {
        "PERMIT_MANDATORY_FILE_LOCKING" => "MS_MANDLOCK".to_owned(),
        name => format!("MS_{name}"),
    });
    let has = |(bit, _): &&(u32, _)| flags.bits() & bit != 0;
    let unnamed = UNNAMED.iter().filter(has).map(|(_, name)| (*name).to_owned());
    joined(names.chain(unnamed))
}

/// Flags for which [`MountFlags`] has no name.
const UNNAMED: [(u32, &str); 2] = [(1 << 16, "MS_POSIXACL"), (1 << 23, "MS_I_VERSION")];

fn joined(names: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "0".to_owned() } else { names.join(" | ") }
}
