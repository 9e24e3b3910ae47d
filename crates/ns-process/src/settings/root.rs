//! Root, mounts and working directory.

use std::format;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_fs::{Description, Mount, Propagation, RootPlan, Workdir};
use ns_sys::NamespaceFlags;

use super::Builder;
use crate::in_child;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct RootConfig {
    pub(crate) path: Option<PathBuf>,
    /// Whether chroot(2) is asked for by name.
    pub(crate) by_chroot: bool,
    pub(crate) read_only: bool,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) mount_proc: bool,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) workdir: Directory,
}

/// The working directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    pub(crate) path: Option<PathBuf>,
    /// Whether it is made where it is missing.
    pub(crate) create: bool,
}

impl<Kind> Builder<Kind> {
    /// The directory that becomes the root; a relative path begins at the caller's working directory.
    ///
    /// In a new mount namespace by pivot_root(2), so that the old root is gone. Without one, or if
    /// [`by_chroot`](Self::by_chroot) asks for it, by chroot(2), which is no jail.
    ///
    /// A program that is linked dynamically needs its loader and libraries inside, and what it looks up
    /// in `PATH` is looked up inside. The working directory is `/`, unless
    /// [`workdir`](Self::workdir) says otherwise.
    ///
    /// # Errors
    /// [`Step::OpenRoot`](crate::Step::OpenRoot): it is not there, or may not be searched;
    /// [`Step::PivotRoot`](crate::Step::PivotRoot), `EINVAL`: the present root is the initramfs.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// // The present root, but read-only.
    /// let mut container = Container::new("touch");
    /// container.arg("/file").namespaces([Namespace::User, Namespace::Mnt]).map_zero();
    /// assert!(!container.rootdir("/").read_only_root().status()?.success());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// pivot_root(2), chroot(2).
    pub fn rootdir(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.root.path = Some(path.into());
        self
    }

    /// Changes the root by chroot(2), in a new mount namespace too.
    ///
    /// Whoever has `CAP_SYS_CHROOT` inside, or a descriptor of a directory outside, walks out of it.
    ///
    /// # References
    /// chroot(2).
    pub fn by_chroot(&mut self) -> &mut Self {
        self.root.by_chroot = true;
        self
    }

    /// Nothing can be changed on the new root's own mount; what is mounted below keeps its own
    /// attributes. Needs a root by pivot_root(2).
    ///
    /// # Errors
    /// [`Step::ReadOnlyRoot`](crate::Step::ReadOnlyRoot).
    ///
    /// # Kernel support
    /// Linux 5.12; before, by a remount that keeps the flags which a user namespace may not drop.
    ///
    /// # References
    /// mount_setattr(2).
    pub fn read_only_root(&mut self) -> &mut Self {
        self.root.read_only = true;
        self
    }

    /// Mounts something, after what was named before; needs a new `Mnt` namespace.
    ///
    /// The target is a path of the new root and resolved there, so that no link leads out. The source
    /// of a bind is one of the caller's paths.
    ///
    /// # Errors
    /// [`Step::MountTarget`](crate::Step::MountTarget), [`Step::Mount`](crate::Step::Mount) with the
    /// target as object; see [`ns_fs::apply::mount`].
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Mount, Namespace};
    ///
    /// let mut container = Container::new("ls");
    /// container.arg("/tmp").namespaces([Namespace::User, Namespace::Mnt]).map_zero();
    /// assert_eq!(container.mount(Mount::tmpfs("/tmp")).output()?.stdout, b"");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// mount(2), open_tree(2), mount_namespaces(7).
    pub fn mount(&mut self, mount: Mount) -> &mut Self {
        self.root.mounts.push(mount);
        self
    }

    /// Mounts `/proc` of the new pid namespace, after all other mounts; needs new `Pid` and `Mnt`
    /// namespaces, and a new root needs that directory.
    ///
    /// # Errors
    /// [`Step::Mount`](crate::Step::Mount), `EPERM`: in a user namespace, something below the caller's
    /// own `/proc` is hidden by a mount, as container engines do.
    ///
    /// # References
    /// proc(5), pid_namespaces(7).
    pub fn mount_proc(&mut self) -> &mut Self {
        self.root.mount_proc = true;
        self
    }

    /// How mounts travel between a new mount namespace and the caller's; by default not at all.
    ///
    /// # References
    /// mount_namespaces(7) "Shared subtrees".
    pub fn propagation(&mut self, config: Propagation) -> &mut Self {
        self.root.propagation = Some(config);
        self
    }

    /// The working directory, a path of the new root, which has to lie inside it.
    ///
    /// By default the caller's, and `/` of a new root.
    ///
    /// # Errors
    /// [`Step::Workdir`](crate::Step::Workdir), `EXDEV`: it lies outside the root.
    ///
    /// # References
    /// chdir(2).
    #[doc(alias = "current_dir")]
    pub fn workdir(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.root.workdir.path = Some(path.into());
        self
    }

    /// Makes the working directory, and those that lead there, if they are missing; they stay.
    pub fn create_workdir(&mut self) -> &mut Self {
        self.root.workdir.create = true;
        self
    }

    /// The directory that becomes the root, if one is set.
    pub fn get_rootdir(&self) -> Option<&Path> {
        self.root.path.as_deref()
    }

    /// The mounts, without that of [`mount_proc`](Self::mount_proc).
    pub fn get_mounts(&self) -> &[Mount] {
        &self.root.mounts
    }

    /// Whether the new root becomes read-only.
    pub fn get_read_only_root(&self) -> bool {
        self.root.read_only
    }

    /// Whether `/proc` is mounted.
    pub fn get_mount_proc(&self) -> bool {
        self.root.mount_proc
    }

    /// How mounts travel, if that was set.
    pub fn get_propagation(&self) -> Option<Propagation> {
        self.root.propagation
    }

    /// The working directory, if one is set.
    pub fn get_workdir(&self) -> Option<&Path> {
        self.root.workdir.path.as_deref()
    }
}

impl Directory {
    /// As ns-fs takes it.
    pub(crate) fn config(&self) -> Workdir {
        let workdir = self.path.as_ref().map(Workdir::new).unwrap_or_default();
        if self.create { workdir.create() } else { workdir }
    }
}

/// What the child will enter.
#[derive(Debug)]
pub(crate) struct Root {
    plan: Option<RootPlan>,
    /// Whether proc is mounted by its path, because the root stays.
    proc_by_path: bool,
    /// Whether mounts are told how to travel.
    detaches: bool,
    path: Option<PathBuf>,
    /// By the index of each mount.
    targets: Vec<PathBuf>,
    workdir: Option<PathBuf>,
}

impl Root {
    /// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
    pub(crate) fn new(config: &RootConfig, namespaces: NamespaceFlags) -> Result<Self, String> {
        let new_mounts = namespaces.contains(NamespaceFlags::MNT);
        check(config, namespaces)?;
        let proc_by_path = config.mount_proc && config.path.is_none() && config.mounts.is_empty();
        let mut mounts = config.mounts.clone();
        if config.mount_proc && !proc_by_path {
            mounts.push(Mount::proc("/proc"));
        }
        let targets = mounts.iter().map(|mount| mount.target().to_owned()).collect();
        let due = new_mounts || config.path.is_some() || config.workdir.path.is_some();
        let plan = if due { Some(compile(config, mounts, new_mounts)?) } else { None };
        let (path, workdir) = (config.path.clone(), config.workdir.path.clone());
        Ok(Self { plan, proc_by_path, detaches: new_mounts, path, targets, workdir })
    }

    pub(crate) fn child(&self) -> in_child::Root<'_> {
        in_child::Root {
            root: self.plan.as_ref().map(RootPlan::apply_data),
            proc_by_path: self.proc_by_path,
        }
    }

    /// The new root, if there is one.
    pub(crate) fn path(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }

    /// The target of a mount.
    pub(crate) fn target(&self, index: u32) -> Option<&PathBuf> {
        self.targets.get(usize::try_from(index).ok()?)
    }

    pub(crate) fn workdir(&self) -> Option<&PathBuf> {
        self.workdir.as_ref()
    }

    /// How mounts travel, which is the first of the steps.
    pub(crate) fn describe_detaching(&self) -> impl Iterator<Item = String> {
        self.lines().into_iter().take(usize::from(self.detaches))
    }

    pub(crate) fn describe(&self) -> impl Iterator<Item = String> {
        let root = self.lines().into_iter().skip(usize::from(self.detaches));
        let proc = r#"mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL)"#;
        root.chain(self.proc_by_path.then(|| proc.to_owned()))
    }

    fn lines(&self) -> Vec<String> {
        let text = self.plan.as_ref().map(RootPlan::describe);
        text.iter().flat_map(Description::lines).map(ToOwned::to_owned).collect()
    }
}

fn check(config: &RootConfig, namespaces: NamespaceFlags) -> Result<(), String> {
    let own_mounts = namespaces.contains(NamespaceFlags::MNT);
    let own_pids = namespaces.contains(NamespaceFlags::PID);
    let needs = |holds: bool, message: &str| if holds { Ok(()) } else { Err(message.to_owned()) };
    let lacks = match (own_pids, own_mounts) {
        (true, true) => "",
        (true, false) => "mount_proc: needs a new mnt namespace too",
        (false, true) => "mount_proc: needs a new pid namespace too",
        (false, false) => "mount_proc: needs new pid and mnt namespaces",
    };
    needs(!config.mount_proc || lacks.is_empty(), lacks)?;
    needs(config.mounts.is_empty() || own_mounts, "mount: needs a new mnt namespace")?;
    needs(config.propagation.is_none() || own_mounts, "propagation: needs a new mnt namespace")?;
    needs(!config.by_chroot || config.path.is_some(), "by_chroot: needs a rootdir")?;
    let pivots = own_mounts && config.path.is_some() && !config.by_chroot;
    needs(!config.read_only || pivots, "read_only_root: needs a rootdir and a new mnt namespace")?;
    needs(
        !config.workdir.create || config.workdir.path.is_some(),
        "create_workdir: needs a workdir",
    )
}

fn compile(config: &RootConfig, mounts: Vec<Mount>, new_mounts: bool) -> Result<RootPlan, String> {
    let root = match &config.path {
        Some(path) if new_mounts && !config.by_chroot => ns_fs::Root::pivot(path),
        Some(path) => ns_fs::Root::chroot(path),
        None => ns_fs::Root::current(),
    };
    // A new mount namespace is private: no mount travels between it and the caller's.
    let travel = new_mounts.then(|| config.propagation.unwrap_or(Propagation::Private));
    let root = mounts.into_iter().fold(root, ns_fs::Root::mount).propagation(travel);
    let root = if config.read_only { root.read_only() } else { root };
    RootPlan::new(root, config.workdir.config()).map_err(|error| format!("rootdir: {error}"))
}
