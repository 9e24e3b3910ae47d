//! The propagation type of mounts.

use ns_sys::child::MountPropagationFlags;

/// Which mounts and unmounts propagate between a new mount namespace and the one it is copied from.
///
/// # References
/// mount_namespaces(7), "Shared subtrees".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Propagation {
    /// No mount propagates, in either direction.
    #[default]
    Private,
    /// Mounts propagate from the caller's namespace to the new one, and not back.
    Slave,
    /// Mounts propagate in both directions.
    Shared,
}

impl Propagation {
    /// The flags of mount(2) that set this type on a whole tree.
    pub(crate) const fn flags(self) -> MountPropagationFlags {
        match self {
            Self::Private => MountPropagationFlags::PRIVATE,
            Self::Slave => MountPropagationFlags::DOWNSTREAM,
            Self::Shared => MountPropagationFlags::SHARED,
        }
        .union(MountPropagationFlags::REC)
    }
}
