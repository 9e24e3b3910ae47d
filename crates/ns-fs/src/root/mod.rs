//! The plan half of a new root: checks, and puts all strings where the child can read them.

mod arena;
mod describe;
mod error;
mod wish;
mod workdir;

use std::fmt;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

pub(crate) use arena::Arena;
pub use error::RootError;
pub use wish::Root;
pub use workdir::Workdir;

use crate::apply::{self, Change, MountStep, Strings, Text};
use crate::{Description, Propagation, StepError, mount};
use wish::Kind;

/// A new root with its mounts, and the place in it where a process begins.
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
    workdir: Option<(Text, bool)>,
}

impl RootPlan {
    /// Checks the wish; makes no system call but getcwd(2), and that for relative paths only.
    ///
    /// # Errors
    /// [`RootError`]. Whether a path exists is for the child to see, which may live in another mount
    /// namespace.
    #[expect(clippy::needless_pass_by_value, reason = "wishes are made where they are handed over")]
    pub fn new(root: Root, workdir: Workdir) -> Result<Self, RootError> {
        root.check()?;
        let mut arena = Arena::default();
        let change = change(&root, &mut arena)?;
        let mounts = mount::compile(root.mounts(), &mut arena)?;
        let workdir = workdir.compile(&mut arena)?;
        let (propagation, read_only) = (root.get_propagation(), root.is_read_only());
        Ok(Self { strings: arena.into_bytes(), propagation, change, mounts, read_only, workdir })
    }

    /// Makes every step, in the process that calls it: a forked child, or one that changes itself.
    ///
    /// # Errors
    /// Those of [`apply::root`].
    ///
    /// # Async-signal-safety
    /// May be called between clone and exec.
    pub fn apply(&self) -> Result<(), StepError> {
        apply::root(self.apply_data())
    }

    /// What the child needs, borrowed: for [`apply::root`].
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

    /// Lists the system calls of [`RootPlan::apply`] in order; nothing is run.
    ///
    /// Left out are the close(2) of what a step opened, and what only an older kernel or a missing
    /// target needs.
    pub fn describe(&self) -> Description {
        describe::describe(self)
    }
}

/// Its system calls in order.
impl fmt::Debug for RootPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RootPlan").field(&self.describe()).finish()
    }
}

fn change(root: &Root, arena: &mut Arena) -> Result<Change, RootError> {
    Ok(match root.kind() {
        Kind::Stay => Change::Stay,
        Kind::Pivot(path) => Change::Pivot(arena.path("root", &absolute(path)?)?),
        Kind::Chroot(path) => Change::Chroot(arena.path("root", &absolute(path)?)?),
    })
}

/// The path from the present working directory on, with its links left alone.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, RootError> {
    // The check of what is empty comes later, and names it.
    if path.as_os_str().is_empty() {
        return Ok(path.to_owned());
    }
    std::path::absolute(path).map_err(|source| RootError::CurrentDir { source })
}
