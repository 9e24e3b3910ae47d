//! The settings of a root.

use std::path::PathBuf;
use std::prelude::rust_2024::*;

use crate::{Mount, Propagation, RootError, Tree};

/// The root of a process, and the mounts below it.
///
/// A relative path starts at the caller's working directory at the time the plan is made.
///
/// A mount with the target `/`, which must be the first, becomes the root itself:
///
/// ```
/// use ns_fs::{Mount, Root};
///
/// let empty = Root::current().mount(Mount::tmpfs("/"));
/// let overlay = Root::current().mount(Mount::overlay("/", ["base"], "changes", "work"));
/// # let _ = (empty, overlay);
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent settings")]
pub struct Root {
    pub(super) change: ChangeSetting,
    pub(super) mounts: Vec<Mount>,
    pub(super) read_only: bool,
    /// Whether the new root is bound onto its own directory.
    pub(super) is_in_place: bool,
    /// Whether it only covers the old root.
    pub(super) covers: bool,
    pub(super) has_own_namespace: bool,
    propagation: PropagationSetting,
}

#[derive(Clone, Debug)]
pub(super) enum ChangeSetting {
    None,
    Pivot(PathBuf),
    Chroot(PathBuf),
}

#[derive(Clone, Copy, Debug)]
enum PropagationSetting {
    /// Private where something is mounted, else left as it is.
    Default,
    /// `None` leaves it as it is.
    Explicit(Option<Propagation>),
}

impl Root {
    /// Makes a directory the root of the mount namespace by pivot_root(2), and detaches the old root.
    ///
    /// [`RootPlan::apply`](crate::RootPlan::apply) makes a mount namespace for it;
    /// [`apply::root`](crate::apply::root) needs one.
    pub fn pivot(new_root: impl Into<PathBuf>) -> Self {
        Self::new(ChangeSetting::Pivot(new_root.into()))
    }

    /// Makes a directory the root of the process by chroot(2).
    ///
    /// This is no jail: a process with `CAP_SYS_CHROOT`, or with a descriptor of an outer directory,
    /// can leave it. The old root stays in the mount namespace. With mounts, see [`Root::current`].
    pub fn chroot(new_root: impl Into<PathBuf>) -> Self {
        Self::new(ChangeSetting::Chroot(new_root.into()))
    }

    /// Makes a tree that the caller has opened the root, as [`Root::pivot`] does with a path.
    ///
    /// With privilege the mounts of the tree are not locked; see [`Tree`].
    pub fn tree(tree: Tree) -> Self {
        Self::current().mount(Mount::tree(tree, "/"))
    }

    /// Keeps the current root; mounts and the working directory can still change.
    ///
    /// With mounts, [`RootPlan::apply`](crate::RootPlan::apply) makes a mount namespace. With
    /// [`apply::root`](crate::apply::root) the process needs one: otherwise the caller's mounts change.
    pub fn current() -> Self {
        Self::new(ChangeSetting::None)
    }

    fn new(change: ChangeSetting) -> Self {
        Self {
            change,
            mounts: Vec::new(),
            read_only: false,
            is_in_place: false,
            covers: false,
            has_own_namespace: false,
            propagation: PropagationSetting::Default,
        }
    }

    /// Makes a root with the programs of the host and nothing else of it: [`Mount::host_root`].
    pub fn host() -> Self {
        Self::current().mounts(Mount::host_root())
    }

    /// Adds mounts, after those added before.
    #[must_use]
    pub fn mounts(mut self, mounts: impl IntoIterator<Item = Mount>) -> Self {
        self.mounts.extend(mounts);
        self
    }

    /// Adds a mount, after those added before.
    #[must_use]
    pub fn mount(mut self, mount: Mount) -> Self {
        self.mounts.push(mount);
        self
    }

    /// Leaves the old root mounted below the new one, which covers it, and uses chroot(2) instead of pivot_root(2). For
    /// the initial ramfs, which cannot be pivoted away.
    ///
    /// No path of the new root leads out, also for a process that joins the mount namespace. A process with
    /// `CAP_SYS_ADMIN` over the namespace could unmount the new root. For [`Root::pivot`] and [`Root::tree`].
    #[must_use]
    pub fn covering(mut self) -> Self {
        self.covers = true;
        self
    }

    /// Makes the new root read-only. Mounts below it keep their own attributes.
    ///
    /// Not for [`Root::chroot`] and for an unchanged root. To make the mounts below read-only too, add
    /// [`Mount::remount`] with [`set_all`](Mount::set_all).
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Binds the directory of [`Root::pivot`] onto itself, in place of `/`.
    ///
    /// Programs that act between [`apply::make_mounts`](crate::apply::make_mounts) and
    /// [`apply::enter`](crate::apply::enter) then find the new root and its mounts at the path of the
    /// directory. Without effect on other roots. Needs Linux 5.2; before, the step fails as
    /// [`Step::OpenRoot`](crate::Step::OpenRoot), `ENOSYS`.
    #[must_use]
    pub fn in_place(mut self) -> Self {
        self.is_in_place = true;
        self
    }

    /// Declares that the process has a mount namespace of its own, so that
    /// [`RootPlan::apply`](crate::RootPlan::apply) neither looks nor makes one.
    ///
    /// If it is not true, the mounts of the processes in the same namespace change.
    #[must_use]
    pub fn in_own_namespace(mut self) -> Self {
        self.has_own_namespace = true;
        self
    }

    /// Sets the propagation of all mounts, as the first step.
    ///
    /// The default is [`Propagation::Private`] with a new root or with mounts, and otherwise no
    /// change. `None` makes no change, for a caller that has set the propagation itself: pivot_root(2)
    /// fails if the new root or its parent mount is shared.
    #[must_use]
    pub fn propagation(mut self, propagation: impl Into<Option<Propagation>>) -> Self {
        self.propagation = PropagationSetting::Explicit(propagation.into());
        self
    }

    /// Checks everything except paths.
    pub(super) fn check(&self) -> Result<(), RootError> {
        match self.get_propagation() {
            Some(Propagation::Shared) if self.pivots() => return Err(RootError::SharedPivot),
            Some(Propagation::Unbindable) => return Err(RootError::Unbindable),
            _ => {}
        }
        if self.read_only && !self.pivots() {
            return Err(RootError::ReadOnlyWithoutPivot);
        }
        Ok(())
    }

    /// The mount that becomes the root.
    pub(super) fn root_mount(&self) -> Option<&Mount> {
        let is_chroot = matches!(self.change, ChangeSetting::Chroot(_));
        self.mounts.first().filter(|first| !is_chroot && first.is_root())
    }

    fn pivots(&self) -> bool {
        matches!(self.change, ChangeSetting::Pivot(_)) || self.root_mount().is_some()
    }

    pub(super) fn get_propagation(&self) -> Option<Propagation> {
        let mounts = !self.mounts.is_empty() || matches!(self.change, ChangeSetting::Pivot(_));
        match self.propagation {
            PropagationSetting::Default => mounts.then_some(Propagation::Private),
            PropagationSetting::Explicit(propagation) => propagation,
        }
    }
}
