//! Resource limits, niceness and the file mode mask.

use std::prelude::rust_2024::*;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) nice: Option<i32>,
    pub(crate) umask: Option<u32>,
}
