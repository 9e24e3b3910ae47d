//! What the program may do: capabilities, `no_new_privs`, a seccomp filter, a label.

use std::prelude::rust_2024::*;

use ns_sys::child::BpfInstruction;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Privileges {
    pub(crate) no_new_privs: bool,
    pub(crate) filter: Option<Vec<BpfInstruction>>,
}
