//! The plan made from the settings of a root: checked, with all strings in one buffer for the child.

use std::ffi::CStr;
use std::fmt;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use super::describe::{describe_entering, describe_mounts};
use super::settings::{ChangeSetting, Root};
use super::workdir::Workdir;
use crate::apply::{self, Change, FsOption, MountStep, OpenedTree, Slot, StringRef, Strings};
use crate::arena::absolute;
use crate::mount::Compiler;
use crate::{Description, Propagation, RootError, StepError, Tree};

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
    options: Vec<FsOption>,
    read_only: bool,
    workdir: Option<(StringRef, bool)>,
    opened: OpenTrees,
    trees: Vec<Arc<Tree>>,
    /// The mount namespace in which the plan was made, if it is known and needed.
    mount_namespace: Option<u64>,
    /// The settings, for errors.
    pub(super) settings: Root,
}

/// The trees of a plan, opened for one process.
#[derive(Debug, Default)]
pub struct OpenTrees {
    trees: Vec<OpenedTree>,
    /// Keeps them open.
    files: Vec<OwnedFd>,
    slots: Vec<Slot>,
}

impl OpenTrees {
    /// Returns the descriptors. A forked child that does not call exec inherits them.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        self.files.iter().map(AsRawFd::as_raw_fd)
    }
}

impl RootPlan {
    /// Checks the settings, and opens the trees of [`Mount::tree`](crate::Mount::tree).
    ///
    /// # Errors
    /// [`RootError`]. The child finds other missing paths, because it may be in another mount namespace.
    #[expect(clippy::needless_pass_by_value, reason = "callers build the settings in the call")]
    pub fn new(root: Root, workdir: Workdir) -> Result<Self, RootError> {
        root.check()?;
        let mut compiler = Compiler::default();
        let root_mount = root.root_mount().map(|mount| compiler.root(mount)).transpose()?;
        // It is no step of its own.
        let rest = (0..).zip(&root.mounts).skip(usize::from(root_mount.is_some()));
        let change = match (root_mount, &root.change) {
            (Some(mount), _) => Change::PivotTo(mount),
            (None, ChangeSetting::None) => Change::None,
            (None, ChangeSetting::Pivot(path)) => {
                let path = compiler.arena.path("root", &absolute(path)?)?;
                if root.is_in_place { Change::PivotInPlace(path) } else { Change::Pivot(path) }
            }
            (None, ChangeSetting::Chroot(path)) => {
                Change::Chroot(compiler.arena.path("root", &absolute(path)?)?)
            }
        };
        for (index, mount) in rest {
            compiler.mount(index, mount)?;
        }
        let workdir = workdir.compile(&mut compiler.arena)?;
        let Compiler { arena, options, trees, steps: mounts } = compiler;
        let (propagation, read_only) = (root.get_propagation(), root.read_only);
        let mut plan = Self {
            strings: arena.into_bytes(),
            propagation,
            change,
            mounts,
            options,
            read_only,
            workdir,
            opened: OpenTrees::default(),
            trees,
            mount_namespace: None,
            settings: root,
        };
        plan.opened = plan.open_trees()?;
        if plan.needs_own_namespace() {
            plan.mount_namespace = apply::mount_namespace();
        }
        Ok(plan)
    }

    /// Opens the trees again. Each process needs its own, because mounting consumes them.
    ///
    /// # Errors
    /// [`RootError::Tree`].
    pub fn open_trees(&self) -> Result<OpenTrees, RootError> {
        let opened = self.trees.iter().map(|tree| tree.open_for_child(self.propagation));
        let opened = opened.collect::<Result<Vec<_>, _>>().map_err(RootError::Tree)?;
        let (trees, files) = opened.into_iter().unzip();
        // Another root is mounted apart, where none of its mounts hides a source.
        let is_reachable =
            matches!(self.change, Change::None | Change::Chroot(_) | Change::PivotInPlace(_));
        let slots = if is_reachable && self.mounts.len() > 1 { self.mounts.len() } else { 0 };
        Ok(OpenTrees { trees, files, slots: (0..slots).map(|_| Slot::empty()).collect() })
    }

    /// Makes all steps in the calling process: a forked child, or a process that changes itself.
    ///
    /// If the plan has mounts or a new root, the call first unshares the mount namespace, unless the process is
    /// known to be in another one than that in which the plan was made. Without `/proc` that is unknown. See
    /// [`Root::in_own_namespace`].
    ///
    /// The call changes the working directory and the umask for a moment, which threads share.
    ///
    /// # Errors
    /// Those of [`apply::root`], and [`Step::Namespace`](crate::Step::Namespace), `EPERM`: no
    /// `CAP_SYS_ADMIN`; a new user namespace gives it. [`explain`](Self::explain) names the path that an
    /// error is about.
    ///
    /// # Async-signal-safety
    /// May be called between clone and exec.
    ///
    /// # Examples
    /// A program without privilege, in namespaces of its own:
    /// ```
    /// use std::os::unix::process::CommandExt;
    /// use std::process::Command;
    ///
    /// use ns_fs::{Mount, Root, RootPlan, Workdir};
    /// use ns_sys::UnshareFlags;
    ///
    /// let root = Root::current().mount(Mount::tmpfs("/tmp"));
    /// let plan = RootPlan::new(root, Workdir::new("/tmp"))?;
    /// let mut command = Command::new("ls");
    /// // SAFETY: the closure only makes bare system calls, and allocates nothing.
    /// unsafe {
    ///     command.pre_exec(move || {
    ///         ns_sys::unshare(UnshareFlags::NEWUSER)?;
    ///         Ok(plan.apply()?)
    ///     });
    /// }
    /// assert_eq!(command.output()?.stdout, b"");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply(&self) -> Result<(), StepError> {
        if self.needs_own_namespace() {
            apply::own_namespace(self.mount_namespace)?;
        }
        apply::root(self.apply_data())
    }

    /// Whether [`apply`](Self::apply) must check in which mount namespace the process is.
    fn needs_own_namespace(&self) -> bool {
        self.apply_data().changes_mounts() && !self.settings.has_own_namespace
    }

    /// Borrows what the child needs, for [`apply::root`].
    pub fn apply_data(&self) -> apply::Root<'_> {
        self.apply_data_with(&self.opened)
    }

    /// As [`apply_data`](Self::apply_data), with trees of [`open_trees`](Self::open_trees).
    pub fn apply_data_with<'a>(&'a self, opened: &'a OpenTrees) -> apply::Root<'a> {
        apply::Root {
            strings: Strings(&self.strings),
            propagation: self.propagation,
            change: self.change,
            mounts: &self.mounts,
            options: &self.options,
            trees: &opened.trees,
            slots: &opened.slots,
            read_only: self.read_only,
            covers: self.settings.covers,
            workdir: self.workdir,
        }
    }

    /// The working directory, and whether the child creates it.
    pub(super) fn workdir(&self) -> Option<(&CStr, bool)> {
        self.workdir.map(|(path, is_created)| (Strings(&self.strings).get(path), is_created))
    }

    /// Lists the system calls of [`apply::root`] in order; none is made.
    ///
    /// The list leaves out close(2) of descriptors that a step opened, and calls that are only needed
    /// on an older kernel or for a missing target.
    pub fn describe(&self) -> Description {
        let (mounts, entering) = (self.describe_mounts(), self.describe_entering());
        Description::new(mounts.lines().chain(entering.lines()).map(ToOwned::to_owned))
    }

    /// Lists the system calls of [`apply::detach`] and [`apply::make_mounts`].
    pub fn describe_mounts(&self) -> Description {
        describe_mounts(self.apply_data())
    }

    /// Lists the system calls of [`apply::enter`].
    pub fn describe_entering(&self) -> Description {
        describe_entering(self.apply_data())
    }
}

/// Prints the system calls in order.
impl fmt::Debug for RootPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RootPlan").field(&self.describe()).finish()
    }
}
