//! A checked wish: everything a start needs, made before the clone.

mod checks;
mod describe;
mod environment;
mod program;

use ns_fs::Propagation;
use ns_idmap::{GidMap, UidMap};
use ns_sys::{CloneFlags, NamespaceFlags};
use std::prelude::rust_2024::*;

pub use describe::Description;
pub(crate) use program::Program;

use crate::builder::Builder;
use crate::error::Error;

/// What a start will do. See [`describe`](Plan::describe).
#[derive(Debug)]
pub struct Plan {
    pub(crate) name: String,
    pub(crate) program: Program,
    pub(crate) flags: CloneFlags,
    pub(crate) uid_map: Option<UidMap>,
    pub(crate) gid_map: Option<GidMap>,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) mount_proc: bool,
}

impl Plan {
    pub(crate) fn new<Kind>(wish: &Builder<Kind>) -> Result<Self, Error> {
        checks::all(wish)?;
        let namespaces = wish.get_namespaces();
        let mnt = namespaces.contains(NamespaceFlags::MNT);
        Ok(Self {
            name: wish.name.clone(),
            program: Program::new(wish)?,
            flags: mechanism(wish.flags) | namespaces.into(),
            uid_map: wish.uid_map.clone(),
            gid_map: wish.gid_map.clone(),
            propagation: mnt.then_some(Propagation::Private),
            mount_proc: wish.mount_proc,
        })
    }

    /// The namespaces that the child gets new.
    pub(crate) fn namespaces(&self) -> NamespaceFlags {
        NamespaceFlags::from_bits_truncate(self.flags.bits())
    }

    /// Whether the child has to wait until the parent has written its maps.
    pub(crate) fn needs_go(&self) -> bool {
        self.uid_map.is_some() || self.gid_map.is_some()
    }
}

/// The flags of every start in shared memory, with those wished for.
///
/// `UNTRACED`, unless it is wished otherwise by `PTRACE`: a debugger of the caller would lose its
/// breakpoints, which the child shares. `VFORK` would stop the caller before it could write maps.
fn mechanism(wished: CloneFlags) -> CloneFlags {
    let base = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::CLEAR_SIGHAND;
    let traced =
        if wished.contains(CloneFlags::PTRACE) { CloneFlags::PTRACE } else { CloneFlags::UNTRACED };
    base | traced | wished.difference(CloneFlags::VFORK)
}
