//! All steps of a [`RootPlan`](crate::RootPlan), in order.

use ns_sys::child::OFlags;
use ns_sys::fd::AsFd;

use super::attributes::read_only_here;
use super::handle::{CWD, open_path};
use super::mount::mount;
use super::mount_step::MountStep;
use super::new_root::{bind_new_root, chroot_here, enter_new_root, pivot_root_here};
use super::propagation::propagation;
use super::strings::{StringRef, Strings};
use super::workdir::workdir;
use crate::{Propagation, Step, StepError};

/// The data that the child borrows from a [`RootPlan`](crate::RootPlan).
#[derive(Clone, Copy, Debug)]
pub struct Root<'a> {
    pub(crate) strings: Strings<'a>,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) change: Change,
    pub(crate) mounts: &'a [MountStep],
    pub(crate) read_only: bool,
    /// The directory, and whether to create it.
    pub(crate) workdir: Option<(StringRef, bool)>,
}

/// The change of root, with the path of the new root.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<Path = StringRef> {
    None,
    Pivot(Path),
    Chroot(Path),
}

/// `mount`, `pivot_root`, `chdir` … — makes all steps of a plan, up to the first that fails.
///
/// The reasons for the order:
/// - Propagation is first: an earlier mount would propagate to the caller's namespace.
/// - Mounts come before the change of root, while the sources of binds are reachable. Their targets are
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
    match plan.change {
        Change::None => {}
        Change::Pivot(path) => bind_new_root(plan.strings.get(path))?,
        Change::Chroot(path) => enter_new_root(plan.strings.get(path))?,
    }
    if !plan.mounts.is_empty() {
        mounts(plan)?;
    }
    if plan.read_only {
        read_only_here()?;
    }
    match plan.change {
        Change::None => {}
        Change::Pivot(_) => pivot_root_here()?,
        Change::Chroot(_) => chroot_here()?,
    }
    plan.workdir.map_or(Ok(()), |(path, create)| workdir(plan.strings.get(path), create))
}

/// Resolves targets in the new root, which is already the working directory, or in the current root.
fn mounts(plan: Root<'_>) -> Result<(), StepError> {
    let path = match plan.change {
        Change::None => c"/",
        Change::Pivot(_) | Change::Chroot(_) => c".",
    };
    let root = open_path(CWD, path, OFlags::DIRECTORY).map_err(Step::OpenRoot.failed())?;
    plan.mounts.iter().try_for_each(|step| mount(root.as_fd(), step.with(plan.strings)))
}
