//! All that a [`RootPlan`](crate::RootPlan) says, in order.

use ns_sys::child::OFlags;
use ns_sys::fd::AsFd;

use super::attributes::read_only_here;
use super::here;
use super::mount::mount;
use super::mount_step::MountStep;
use super::new_root::{bind_new_root, chroot_here, enter_new_root, pivot_root_here};
use super::open_path::open_path;
use super::propagation::propagation;
use super::strings::{Strings, Text};
use super::workdir::workdir;
use crate::{Propagation, Step, StepError};

/// What a [`RootPlan`](crate::RootPlan) lends to the child: numbers and borrowed bytes.
#[derive(Clone, Copy, Debug)]
pub struct Root<'a> {
    pub(crate) strings: Strings<'a>,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) change: Change,
    pub(crate) mounts: &'a [MountStep],
    pub(crate) read_only: bool,
    /// The directory, and whether to make it.
    pub(crate) workdir: Option<(Text, bool)>,
}

/// How the root changes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Stay,
    Pivot(Text),
    Chroot(Text),
}

/// `mount`, `pivot_root`, `chdir` … — makes every step of a plan, and stops at the first that fails.
///
/// Why in this order:
/// - Propagation first: what is mounted before it shows in the caller's namespace.
/// - Mounts before the change of root, while the sources of binds can still be reached; inside the
///   new root all the same, because their targets are resolved there.
/// - Read-only after the mounts, whose targets may have to be made.
/// - The working directory last: it is one of the new root's.
///
/// # Errors
/// Those of the steps, each of which is a function of this module.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// As the steps.
///
/// # References
/// pivot_root(2), mount_namespaces(7).
pub fn root(plan: Root<'_>) -> Result<(), StepError> {
    detach(plan)?;
    change(plan)
}

/// The first step of a plan alone: how mounts travel. For who mounts by hand before the rest.
///
/// # Errors
/// As of [`propagation`].
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

/// All other steps of a plan.
///
/// # Errors
/// As of [`root`].
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// As the steps.
///
/// # References
/// pivot_root(2).
pub fn change(plan: Root<'_>) -> Result<(), StepError> {
    match plan.change {
        Change::Stay => {}
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
        Change::Stay => {}
        Change::Pivot(_) => pivot_root_here()?,
        Change::Chroot(_) => chroot_here()?,
    }
    plan.workdir.map_or(Ok(()), |(path, create)| workdir(plan.strings.get(path), create))
}

/// Resolves targets in the new root, which is the working directory by now, if there is one.
fn mounts(plan: Root<'_>) -> Result<(), StepError> {
    let place = match plan.change {
        Change::Stay => c"/",
        Change::Pivot(_) | Change::Chroot(_) => c".",
    };
    let root = open_path(here(), place, OFlags::DIRECTORY)
        .map_err(|errno| StepError { step: Step::OpenRoot, errno })?;
    plan.mounts.iter().try_for_each(|step| mount(root.as_fd(), step.with(plan.strings)))
}
