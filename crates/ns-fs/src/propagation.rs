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
    /// As private; and the mount cannot be bound elsewhere.
    Unbindable,
}

impl Propagation {
    /// The flag of mount(2) and mount_setattr(2).
    pub(crate) const fn flag(self) -> MountPropagationFlags {
        match self {
            Self::Private => MountPropagationFlags::PRIVATE,
            Self::Slave => MountPropagationFlags::DOWNSTREAM,
            Self::Shared => MountPropagationFlags::SHARED,
            Self::Unbindable => MountPropagationFlags::UNBINDABLE,
        }
    }

    /// The name of the flag.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Private => "MS_PRIVATE",
            Self::Slave => "MS_SLAVE",
            Self::Shared => "MS_SHARED",
            Self::Unbindable => "MS_UNBINDABLE",
        }
    }
}
