//! All steps of a [`RootPlan`](crate::RootPlan), in order.

use ns_sys::child::OFlags;
use ns_sys::fd::AsFd;

use super::attributes::read_only_here;
use super::handle::{CWD, open_path};
use super::mount::{close_early, mount, open_early};
use super::mount_step::{Configured, FsOption, FsValue, MountStep, RootMount};
use super::new_root::{
    bind_in_place, bind_new_root, chroot_here, enter_new_root, move_to_root, pivot_root_here,
};
use super::propagation::propagation;
use super::root_mount::enter_root_mount;
use super::source::{OpenedTree, Slot};
use super::strings::{StringRef, Strings};
use super::target::TargetRoot;
use super::workdir::workdir;
use crate::{Propagation, Step, StepError};

/// The data that the child borrows from a [`RootPlan`](crate::RootPlan).
#[derive(Clone, Copy, Debug)]
pub struct Root<'a> {
    pub(crate) strings: Strings<'a>,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) change: Change,
    /// Without the one that becomes the root.
    pub(crate) mounts: &'a [MountStep],
    pub(crate) options: &'a [FsOption],
    /// The trees that the caller has opened.
    pub(crate) trees: &'a [OpenedTree],
    /// One for each mount, if an earlier mount could hide the source of a later one.
    pub(crate) slots: &'a [Slot],
    pub(crate) read_only: bool,
    /// Whether the old root stays below the new one.
    pub(crate) covers: bool,
    /// The directory, and whether to create it.
    pub(crate) workdir: Option<(StringRef, bool)>,
}

impl<'a> Root<'a> {
    /// Whether a step changes the mount namespace.
    pub(crate) fn changes_mounts(self) -> bool {
        let pivots = !matches!(self.change, Change::None | Change::Chroot(_));
        pivots || !self.mounts.is_empty() || self.propagation.is_some()
    }

    pub(crate) fn options_of(self, fs: Configured) -> &'a [FsOption] {
        self.options_in(fs.options)
    }

    /// Whether a new tmpfs receives the changes of an overlay.
    pub(crate) fn has_tmpfs(self, fs: Configured) -> bool {
        self.options_of(fs).iter().any(|option| option.value == FsValue::NewDirectory)
    }

    pub(crate) fn options_in(self, (start, end): (usize, usize)) -> &'a [FsOption] {
        self.options.get(start..end).unwrap_or_default()
    }
}

/// The change of root.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    None,
    /// To a directory.
    Pivot(StringRef),
    /// To a directory, which is bound onto itself.
    PivotInPlace(StringRef),
    /// To a mount.
    PivotTo(RootMount),
    Chroot(StringRef),
}

/// `mount`, `pivot_root`, `chdir` … — makes all steps of a plan, up to the first that fails.
///
/// The reasons for the order:
/// - Propagation is first: an earlier mount would propagate to the caller's namespace.
/// - Sources that a mount could hide are opened before the first mount.
/// - Mounts come before the change of root, while their sources are reachable. Their targets are
///   resolved inside the new root.
/// - Read-only comes after the mounts, which may have to create their targets.
/// - The working directory is last: it is a path of the new root.
///
/// # Errors
/// Those of the steps; each step is a function of this module.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// That of the steps.
///
/// # References
/// pivot_root(2), mount_namespaces(7).
pub fn root(plan: Root<'_>) -> Result<(), StepError> {
    detach(plan)?;
    change(plan)
}

/// Makes the first step of a plan only: it sets the propagation of mounts.
///
/// For a caller that makes its own mounts before the other steps, which [`change`] makes.
///
/// # Errors
/// Those of [`propagation`].
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.15.
///
/// # References
/// mount_namespaces(7).
pub fn detach(plan: Root<'_>) -> Result<(), StepError> {
    plan.propagation.map_or(Ok(()), propagation)
}

/// Makes all steps of a plan after [`detach`].
///
/// # Errors
/// Those of [`root`].
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// That of the steps.
///
/// # References
/// pivot_root(2).
pub fn change(plan: Root<'_>) -> Result<(), StepError> {
    make_mounts(plan)?;
    enter(plan)
}

/// Makes the mounts of a plan, after [`detach`]. The new root becomes the working directory, and is not the
/// root yet.
///
/// For a caller that acts on the mounts while the files of the present root are reachable, before [`enter`].
///
/// # Errors
/// Those of [`bind_new_root`], [`enter_new_root`] and of the mounts.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// That of the steps.
///
/// # References
/// mount(2), move_mount(2).
pub fn make_mounts(plan: Root<'_>) -> Result<(), StepError> {
    let made = open_early(plan).and_then(|()| open_root_and_mount(plan));
    close_early(plan);
    made
}

/// Makes the steps of a plan after [`make_mounts`]: a read-only root, the change of root, and the working
/// directory.
///
/// # Errors
/// Those of [`read_only_here`](crate::apply::read_only_here), [`pivot_root_here`], [`chroot_here`] and
/// [`workdir`](crate::apply::workdir()).
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// That of the steps.
///
/// # References
/// pivot_root(2), chroot(2).
pub fn enter(plan: Root<'_>) -> Result<(), StepError> {
    if plan.read_only {
        read_only_here()?;
    }
    match plan.change {
        Change::None => {}
        Change::PivotInPlace(_) if plan.covers => move_to_root().and_then(|()| chroot_here())?,
        Change::Pivot(_) | Change::PivotTo(_) if plan.covers => chroot_here()?,
        Change::Pivot(_) | Change::PivotInPlace(_) | Change::PivotTo(_) => pivot_root_here()?,
        Change::Chroot(_) => chroot_here()?,
    }
    plan.workdir.map_or(Ok(()), |(path, create)| workdir(plan.strings.get(path), create))
}

fn open_root_and_mount(plan: Root<'_>) -> Result<(), StepError> {
    match plan.change {
        Change::None => {}
        Change::Pivot(path) => bind_new_root(plan.strings.get(path))?,
        Change::PivotInPlace(path) => bind_in_place(plan.strings.get(path))?,
        Change::PivotTo(mount) => enter_root_mount(plan, mount)?,
        Change::Chroot(path) => enter_new_root(plan.strings.get(path))?,
    }
    if plan.mounts.is_empty() { Ok(()) } else { mounts(plan) }
}

/// Resolves targets in the new root, which is already the working directory, or in the current root.
fn mounts(plan: Root<'_>) -> Result<(), StepError> {
    let path = match plan.change {
        Change::None => c"/",
        _ => c".",
    };
    let root = open_path(CWD, path, OFlags::DIRECTORY).map_err(Step::OpenRoot.failed())?;
    let root = TargetRoot::new(root.as_fd());
    let mut skipped = None;
    for (position, step) in plan.mounts.iter().enumerate() {
        // A mount with several steps is skipped as a whole.
        let is_skipped = skipped == Some(step.index);
        if !is_skipped && !mount(plan, root, step, plan.slots.get(position))? {
            skipped = Some(step.index);
        }
    }
    Ok(())
}
