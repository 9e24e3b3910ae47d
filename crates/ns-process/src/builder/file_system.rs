//! Root, mounts, working directory and descriptors.

use std::prelude::rust_2024::*;

use ns_fs::Descriptors;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileSystem {
    pub(crate) mount_proc: bool,
    pub(crate) descriptors: Descriptors,
}
