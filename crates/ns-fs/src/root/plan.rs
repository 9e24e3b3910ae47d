//! The settings of a root, and the plan made from them: checked, with all strings in one buffer for the child.

use std::fmt;
use std::path::PathBuf;
use std::prelude::rust_2024::*;

use super::describe::describe;
use super::workdir::Workdir;
use crate::apply::{self, Change, MountStep, StringRef, Strings};
use crate::arena::{Arena, absolute};
use crate::{Description, Mount, Propagation, RootError, StepError, mount};

/// The root of a process, and the mounts below it.
///
/// A relative path starts at the caller's working directory at the time the plan is made.
#[derive(Clone, Debug)]
pub struct Root {
    change: Change<PathBuf>,
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

impl Root {
    /// Makes a directory the root of the mount namespace by pivot_root(2), and detaches the old root.
    ///
    /// The process needs its own mount namespace.
    pub fn pivot(new_root: impl Into<PathBuf>) -> Self {
        Self::new(Change::Pivot(new_root.into()))
    }

    /// Makes a directory the root of the process by chroot(2).
    ///
    /// This is no jail: a process with `CAP_SYS_CHROOT`, or with a descriptor of an outer directory,
    /// can leave it. The old root stays in the mount namespace. With mounts, the process needs its own
    /// mount namespace, as with [`Root::current`].
    pub fn chroot(new_root: impl Into<PathBuf>) -> Self {
        Self::new(Change::Chroot(new_root.into()))
    }

    /// Keeps the current root; mounts and the working directory can still change.
    ///
    /// With mounts, the process needs its own mount namespace: otherwise the propagation of the
    /// caller's mounts changes too.
    pub fn current() -> Self {
        Self::new(Change::None)
    }

    fn new(change: Change<PathBuf>) -> Self {
        Self {
            change,
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
    fn check(&self) -> Result<(), RootError> {
        let pivots = matches!(self.change, Change::Pivot(_));
        if pivots && self.get_propagation() == Some(Propagation::Shared) {
            return Err(RootError::SharedPivot);
        }
        if self.read_only && !pivots {
            return Err(RootError::ReadOnlyWithoutPivot);
        }
        Ok(())
    }

    fn get_propagation(&self) -> Option<Propagation> {
        let mounts = !self.mounts.is_empty() || matches!(self.change, Change::Pivot(_));
        match self.propagation {
            PropagationSetting::Default => mounts.then_some(Propagation::Private),
            PropagationSetting::Explicit(propagation) => propagation,
        }
    }
}

/// A new root with its mounts and a working directory, checked.
///
/// The parent makes it; the child applies it, which allocates nothing.
///
/// # Examples
/// ```
/// use ns_fs::{Mount, Root, RootPlan, Workdir};
///
/// let root = Root::pivot("rootfs").mount(Mount::proc("/proc")).read_only();
/// let plan = RootPlan::new(root, Workdir::new("/home"))?;
/// println!("{}", plan.describe());
/// # assert!(plan.describe().to_string().contains(r#"pivot_root(".", ".")"#));
/// # Ok::<(), ns_fs::RootError>(())
/// ```
pub struct RootPlan {
    strings: Vec<u8>,
    propagation: Option<Propagation>,
    change: Change,
    mounts: Vec<MountStep>,
    read_only: bool,
    workdir: Option<(StringRef, bool)>,
}

impl RootPlan {
    /// Checks the settings.
    ///
    /// The only system call is getcwd(2), and only for relative paths.
    ///
    /// # Errors
    /// [`RootError`]. Missing paths are found by the child, which may live in another mount namespace.
    #[expect(clippy::needless_pass_by_value, reason = "callers build the settings in the call")]
    pub fn new(root: Root, workdir: Workdir) -> Result<Self, RootError> {
        root.check()?;
        let mut arena = Arena::default();
        let change = match &root.change {
            Change::None => Change::None,
            Change::Pivot(path) => Change::Pivot(arena.path("root", &absolute(path)?)?),
            Change::Chroot(path) => Change::Chroot(arena.path("root", &absolute(path)?)?),
        };
        let mounts = mount::compile(&root.mounts, &mut arena)?;
        let workdir = workdir.compile(&mut arena)?;
        let (propagation, read_only) = (root.get_propagation(), root.read_only);
        Ok(Self { strings: arena.into_bytes(), propagation, change, mounts, read_only, workdir })
    }

    /// Makes all steps in the calling process: a forked child, or a process that changes itself.
    ///
    /// # Errors
    /// Those of [`apply::root`].
    ///
    /// # Async-signal-safety
    /// May be called between clone and exec.
    pub fn apply(&self) -> Result<(), StepError> {
        apply::root(self.apply_data())
    }

    /// Borrows what the child needs, for [`apply::root`].
    pub fn apply_data(&self) -> apply::Root<'_> {
        apply::Root {
            strings: Strings(&self.strings),
            propagation: self.propagation,
            change: self.change,
            mounts: &self.mounts,
            read_only: self.read_only,
            workdir: self.workdir,
        }
    }

    /// Lists the system calls of [`RootPlan::apply`] in order; none is made.
    ///
    /// The list leaves out close(2) of descriptors that a step opened, and calls that are only needed
    /// on an older kernel or for a missing target.
    pub fn describe(&self) -> Description {
        describe(self.apply_data())
    }
}

/// Prints the system calls in order.
impl fmt::Debug for RootPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RootPlan").field(&self.describe()).finish()
    }
}
