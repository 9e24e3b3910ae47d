//! Root directory, mounts and working directory.

use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_fs::{Mount, Propagation};
use ns_sys::NamespaceFlags;

use super::Builder;

/// The requested root and mounts.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each setter")]
pub(crate) struct RootConfig {
    pub(crate) path: Option<PathBuf>,
    /// Whether chroot(2) is used even in a new mount namespace.
    pub(crate) by_chroot: bool,
    pub(crate) read_only: bool,
    /// Whether the root is [`Mount::host_root`].
    pub(crate) host: bool,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) mount_proc: bool,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) workdir: Option<PathBuf>,
    /// Whether the working directory is created if it is missing.
    pub(crate) create_workdir: bool,
}

/// # Root and mounts
///
/// The root directory, the mounts of a new `Mnt` namespace, and the working directory.
impl<Kind> Builder<Kind> {
    /// Sets the directory that becomes the root; a relative path begins at the caller's working
    /// directory.
    ///
    /// By default the program has the caller's root. In a new mount namespace the change is made by
    /// pivot_root(2), which leaves no access to the old root. Otherwise, or after
    /// [`by_chroot`](Self::by_chroot), it is made by chroot(2), which is no security boundary.
    ///
    /// A dynamically linked program needs its loader and libraries inside the root, and `PATH` is
    /// searched inside. The working directory becomes `/`; see [`workdir`](Self::workdir). Needs
    /// `CAP_SYS_CHROOT`, or `CAP_SYS_ADMIN` in a new mount namespace; a new user namespace gives
    /// both.
    ///
    /// # Errors
    /// [`Step::OpenRoot`](crate::Step::OpenRoot): the directory does not exist, or may not be
    /// searched; [`Step::PivotRoot`](crate::Step::PivotRoot), `EINVAL`: the present root is the
    /// initramfs.
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

    /// Makes a new root that contains only the programs of the host, read-only: a sandbox in one call.
    ///
    /// See [`Mount::host_root`] for its contents; [`mount`](Self::mount) adds to it. The root itself is a
    /// writable tmpfs; see [`read_only_root`](Self::read_only_root). Needs new `Mnt` and `Pid` namespaces,
    /// and no [`rootdir`](Self::rootdir). In a new user namespace the IDs of the child must be mapped.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Mount, Namespace};
    ///
    /// let mut sandbox = Container::new("sh");
    /// sandbox.args(["-c", "touch /usr/file || ls /home /srv /sys"]);
    /// sandbox.namespaces([Namespace::User, Namespace::Mnt, Namespace::Pid]).map_zero();
    /// assert_eq!(sandbox.host_root().output()?.stdout, b"");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # Kernel support
    /// Linux 5.12.
    pub fn host_root(&mut self) -> &mut Self {
        self.root.host = true;
        self
    }

    /// Changes the root by chroot(2), even in a new mount namespace.
    ///
    /// A process can leave such a root if it has `CAP_SYS_CHROOT`, or a descriptor of a directory
    /// outside. In a new mount namespace the new root covers the old one, which stays mounted: no path leads out, but a
    /// process with `CAP_SYS_ADMIN` could unmount the new root. Needs a [`rootdir`](Self::rootdir).
    ///
    /// # References
    /// chroot(2).
    pub fn by_chroot(&mut self) -> &mut Self {
        self.root.by_chroot = true;
        self
    }

    /// Makes the mount of the new root read-only; by default it keeps its attributes.
    ///
    /// Mounts below it keep their own attributes. Needs a new root, such as [`rootdir`](Self::rootdir) or
    /// [`host_root`](Self::host_root), and a new `Mnt` namespace, without [`by_chroot`](Self::by_chroot).
    ///
    /// # Errors
    /// [`Step::ReadOnlyRoot`](crate::Step::ReadOnlyRoot).
    ///
    /// # Kernel support
    /// Linux 5.12; earlier kernels by a remount that keeps the flags which a user namespace may not
    /// clear.
    ///
    /// # References
    /// mount_setattr(2).
    pub fn read_only_root(&mut self) -> &mut Self {
        self.root.read_only = true;
        self
    }

    /// Adds a mount, which is made after the earlier ones; see [`Mount`].
    ///
    /// The target is a path of the new root and is resolved inside it, so that no symbolic link
    /// leads out. The source of a bind mount is a path of the caller. A first mount with the target `/`
    /// becomes the root itself, in place of a [`rootdir`](Self::rootdir). Needs a new `Mnt` namespace.
    ///
    /// # Errors
    /// [`Step::MountSource`](crate::Step::MountSource) with the source as object,
    /// [`Step::MountTarget`](crate::Step::MountTarget) or [`Step::Mount`](crate::Step::Mount) with the
    /// target. The hint says what to do.
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

    /// Mounts proc(5) of the new pid namespace on `/proc`, after all other mounts.
    ///
    /// By default the program sees the `/proc` of its root. A new root must contain that directory.
    /// Needs new `Pid` and `Mnt` namespaces.
    ///
    /// # Errors
    /// [`Step::Mount`](crate::Step::Mount), `EPERM`: in a user namespace, a mount hides a part of
    /// the caller's own `/proc`, as in containers of common engines.
    ///
    /// # References
    /// proc(5), pid_namespaces(7).
    pub fn mount_proc(&mut self) -> &mut Self {
        self.root.mount_proc = true;
        self
    }

    /// Sets the propagation type of the mounts in a new mount namespace; by default they are
    /// private.
    ///
    /// Mounts that are private do not propagate between that namespace and the caller's. Needs a
    /// new `Mnt` namespace.
    ///
    /// # References
    /// mount_namespaces(7) "Shared subtrees".
    pub fn propagation(&mut self, config: Propagation) -> &mut Self {
        self.root.propagation = Some(config);
        self
    }

    /// Sets the working directory, a path of the new root that must not lead outside it.
    ///
    /// By default it is the caller's working directory, or `/` of a new root.
    ///
    /// # Errors
    /// [`Step::Workdir`](crate::Step::Workdir), `EXDEV`: the directory is outside the root.
    ///
    /// # References
    /// chdir(2).
    #[doc(alias = "current_dir")]
    pub fn workdir(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.root.workdir = Some(path.into());
        self
    }

    /// Creates the working directory and its parents if they are missing; a start does not remove
    /// them.
    ///
    /// Needs a [`workdir`](Self::workdir).
    pub fn create_workdir(&mut self) -> &mut Self {
        self.root.create_workdir = true;
        self
    }

    /// The directory that becomes the root, if one is set.
    pub fn get_rootdir(&self) -> Option<&Path> {
        self.root.path.as_deref()
    }

    /// Whether [`host_root`](Self::host_root) is set.
    pub fn get_host_root(&self) -> bool {
        self.root.host
    }

    /// The mounts, except the one that [`mount_proc`](Self::mount_proc) adds.
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

    /// The propagation type, if one is set.
    pub fn get_propagation(&self) -> Option<Propagation> {
        self.root.propagation
    }

    /// The working directory, if one is set.
    pub fn get_workdir(&self) -> Option<&Path> {
        self.root.workdir.as_deref()
    }
}

impl RootConfig {
    /// The mounts in order; that of `/proc` is left out if it is mounted by path.
    pub(super) fn all_mounts(&self, proc_by_path: bool) -> Vec<Mount> {
        let mut mounts = if self.host { Mount::host_root() } else { Vec::new() };
        mounts.extend_from_slice(&self.mounts);
        if self.mount_proc && !proc_by_path && !self.host {
            mounts.push(Mount::proc("/proc"));
        }
        mounts
    }

    /// Whether the root changes.
    pub(crate) fn has_new_root(&self) -> bool {
        self.path.is_some() || self.has_root_mount()
    }

    /// Whether the first mount becomes the root.
    pub(crate) fn has_root_mount(&self) -> bool {
        self.host || !self.by_chroot && self.mounts.first().is_some_and(Mount::is_root)
    }
}

/// Checks the settings against each other; an error begins with the name of the setter.
pub(super) fn check(config: &RootConfig, namespaces: NamespaceFlags) -> Result<(), String> {
    let new_mounts = namespaces.contains(NamespaceFlags::MNT);
    let new_pids = namespaces.contains(NamespaceFlags::PID);
    let needs = |holds: bool, message: &str| if holds { Ok(()) } else { Err(message.to_owned()) };
    let missing = match (new_pids, new_mounts) {
        (true, true) => "",
        (true, false) => "mount_proc: needs a new mnt namespace too",
        (false, true) => "mount_proc: needs a new pid namespace too",
        (false, false) => "mount_proc: needs new pid and mnt namespaces",
    };
    needs(!config.mount_proc || missing.is_empty(), missing)?;
    needs(!config.host || new_pids && new_mounts, "host_root: needs new pid and mnt namespaces")?;
    needs(!config.host || config.path.is_none(), "host_root: conflicts with rootdir")?;
    needs(config.mounts.is_empty() || new_mounts, "mount: needs a new mnt namespace")?;
    needs(config.propagation.is_none() || new_mounts, "propagation: needs a new mnt namespace")?;
    needs(!config.by_chroot || config.path.is_some(), "by_chroot: needs a rootdir")?;
    let pivots = new_mounts && config.has_new_root() && !config.by_chroot;
    needs(!config.read_only || pivots, "read_only_root: needs a new root and a new mnt namespace")?;
    needs(!config.create_workdir || config.workdir.is_some(), "create_workdir: needs a workdir")
}
