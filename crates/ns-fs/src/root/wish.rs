//! The wish for a root.

use std::path::PathBuf;
use std::prelude::rust_2024::*;

use super::error::RootError;
use crate::{Mount, Propagation};

/// Which root a process gets, and what is mounted below it.
///
/// Relative paths begin at the caller's working directory when the plan is made.
#[derive(Clone, Debug)]
pub struct Root {
    kind: Kind,
    mounts: Vec<Mount>,
    read_only: bool,
    propagation: Travel,
}

/// How mounts travel.
#[derive(Clone, Copy, Debug)]
enum Travel {
    AsNeeded,
    Told(Option<Propagation>),
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Stay,
    Pivot(PathBuf),
    Chroot(PathBuf),
}

impl Root {
    /// A directory becomes the root of the mount namespace by pivot_root(2), and the old root is gone:
    /// for a mount namespace of one's own.
    pub fn pivot(new_root: impl Into<PathBuf>) -> Self {
        Self::new(Kind::Pivot(new_root.into()))
    }

    /// A directory becomes the root of the process by chroot(2).
    ///
    /// No jail: whoever has `CAP_SYS_CHROOT` inside, or a descriptor of an outer directory, walks
    /// out. The old root stays in the mount namespace. With mounts as [`Root::current`].
    pub fn chroot(new_root: impl Into<PathBuf>) -> Self {
        Self::new(Kind::Chroot(new_root.into()))
    }

    /// The root stays; mounts and the working directory may change. With mounts it is for a mount
    /// namespace of one's own: outside of one, the propagation of the caller's mounts changes too.
    pub fn current() -> Self {
        Self::new(Kind::Stay)
    }

    fn new(kind: Kind) -> Self {
        Self { kind, mounts: Vec::new(), read_only: false, propagation: Travel::AsNeeded }
    }

    /// Mounts something, after what was named before.
    #[must_use]
    pub fn mount(mut self, mount: Mount) -> Self {
        self.mounts.push(mount);
        self
    }

    /// Nothing can be changed on the new root's own mount. What is mounted below it keeps its own
    /// attributes. For [`Root::pivot`].
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// How mounts travel from here on. Private, unless nothing is mounted or told otherwise; `None`
    /// leaves it, for whom has seen to it already: pivot_root(2) refuses shared mounts around the new root.
    /// In the caller's own mount namespace it changes the caller's mounts.
    #[must_use]
    pub fn propagation(mut self, wish: impl Into<Option<Propagation>>) -> Self {
        self.propagation = Travel::Told(wish.into());
        self
    }

    /// Finds mistakes that need no path.
    pub(super) fn check(&self) -> Result<(), RootError> {
        let pivots = matches!(self.kind, Kind::Pivot(_));
        if pivots && self.get_propagation() == Some(Propagation::Shared) {
            return Err(RootError::SharedPivot);
        }
        if self.read_only && !pivots {
            return Err(RootError::ReadOnlyWithoutPivot);
        }
        Ok(())
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(super) fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.read_only
    }

    pub(super) fn get_propagation(&self) -> Option<Propagation> {
        let mounts = !self.mounts.is_empty() || matches!(self.kind, Kind::Pivot(_));
        match self.propagation {
            Travel::AsNeeded => mounts.then_some(Propagation::Private),
            Travel::Told(wish) => wish,
        }
    }
}
