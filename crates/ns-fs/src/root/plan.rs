//! A checked root, with all its strings in one buffer for the child.

use std::fmt;
use std::prelude::rust_2024::*;

use super::describe::describe;
use super::settings::{Kind, Root};
use super::workdir::Workdir;
use crate::apply::{self, Change, MountStep, StringRef, Strings};
use crate::arena::{Arena, absolute};
use crate::{Description, Propagation, RootError, StepError, mount};

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
        let change = change(&root, &mut arena)?;
        let mounts = mount::compile(root.mounts(), &mut arena)?;
        let workdir = workdir.compile(&mut arena)?;
        let (propagation, read_only) = (root.get_propagation(), root.is_read_only());
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

fn change(root: &Root, arena: &mut Arena) -> Result<Change, RootError> {
    Ok(match root.kind() {
        Kind::Current => Change::None,
        Kind::Pivot(path) => Change::Pivot(arena.path("root", &absolute(path)?)?),
        Kind::Chroot(path) => Change::Chroot(arena.path("root", &absolute(path)?)?),
    })
}
