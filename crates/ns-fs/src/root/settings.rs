//! The settings of a root.

use std::path::PathBuf;
use std::prelude::rust_2024::*;

use crate::{Mount, Propagation, RootError};

/// The root of a process, and the mounts below it.
///
/// A relative path starts at the caller's working directory at the time the plan is made.
#[derive(Clone, Debug)]
pub struct Root {
    kind: Kind,
    mounts: Vec<Mount>,
    read_only: bool,
    propagation: PropagationSetting,
}

#[derive(Clone, Copy, Debug)]
enum PropagationSetting {
    /// Private where something is mounted, else left as it is.
    Default,
    /// `None` leaves it as it is.
    Explicit(Option<Propagation>),
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Current,
    Pivot(PathBuf),
    Chroot(PathBuf),
}

impl Root {
    /// Makes a directory the root of the mount namespace by pivot_root(2), and detaches the old root.
    ///
    /// The process needs its own mount namespace.
    pub fn pivot(new_root: impl Into<PathBuf>) -> Self {
        Self::new(Kind::Pivot(new_root.into()))
    }

    /// Makes a directory the root of the process by chroot(2).
    ///
    /// This is no jail: a process with `CAP_SYS_CHROOT`, or with a descriptor of an outer directory,
    /// can leave it. The old root stays in the mount namespace. With mounts, the process needs its own
    /// mount namespace, as with [`Root::current`].
    pub fn chroot(new_root: impl Into<PathBuf>) -> Self {
        Self::new(Kind::Chroot(new_root.into()))
    }

    /// Keeps the current root; mounts and the working directory can still change.
    ///
    /// With mounts, the process needs its own mount namespace: otherwise the propagation of the
    /// caller's mounts changes too.
    pub fn current() -> Self {
        Self::new(Kind::Current)
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            mounts: Vec::new(),
            read_only: false,
            propagation: PropagationSetting::Default,
        }
    }

    /// Adds a mount, after those added before.
    #[must_use]
    pub fn mount(mut self, mount: Mount) -> Self {
        self.mounts.push(mount);
        self
    }

    /// Makes the new root read-only. Mounts below it keep their own attributes.
    ///
    /// Only for [`Root::pivot`].
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Sets the propagation of all mounts, as the first step.
    ///
    /// The default is [`Propagation::Private`] with [`Root::pivot`] or with mounts, and otherwise no
    /// change. `None` makes no change, for a caller that has set the propagation itself: pivot_root(2)
    /// refuses shared mounts around the new root. In the caller's own mount namespace this changes the
    /// caller's mounts.
    #[must_use]
    pub fn propagation(mut self, propagation: impl Into<Option<Propagation>>) -> Self {
        self.propagation = PropagationSetting::Explicit(propagation.into());
        self
    }

    /// Checks everything except paths.
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
            PropagationSetting::Default => mounts.then_some(Propagation::Private),
            PropagationSetting::Explicit(propagation) => propagation,
        }
    }
}
