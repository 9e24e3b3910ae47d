//! Who the program is: user, group and supplementary groups.

use std::prelude::rust_2024::*;

/// What was asked for; ids are those inside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) groups: Option<Vec<u32>>,
}
