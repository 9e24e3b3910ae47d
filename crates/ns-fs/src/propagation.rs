//! How mounts travel between mount namespaces.

use ns_sys::child::MountPropagationFlags;

/// Which mounts and unmounts a new mount namespace shares with the one it was copied from.
///
/// # References
/// mount_namespaces(7), "Shared subtrees".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Propagation {
    /// None travel, in either direction.
    #[default]
    Private,
    /// Those of the caller arrive; none go back.
    Slave,
    /// Those of either side show on the other.
    Shared,
}

impl Propagation {
    /// The flags of mount(2) that say this for a whole tree.
    pub(crate) const fn flags(self) -> MountPropagationFlags {
        match self {
            Self::Private => MountPropagationFlags::PRIVATE,
            Self::Slave => MountPropagationFlags::DOWNSTREAM,
            Self::Shared => MountPropagationFlags::SHARED,
        }
        .union(MountPropagationFlags::REC)
    }
}
