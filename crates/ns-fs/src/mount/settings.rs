//! The settings of a mount.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_sys::child::MountFlags;

/// One mount below a root: what is mounted, its target, and its attributes.
///
/// A target is a path of the new root and is resolved inside it: no symbolic link leads out. A source
/// is a path of the caller; a relative one starts at the caller's working directory at the time the
/// plan is made.
///
/// # Examples
/// ```
/// use ns_fs::Mount;
///
/// let mounts = [
///     Mount::proc("/proc"),
///     Mount::dev("/dev").create(),
///     Mount::tmpfs("/tmp").data("size=16m,mode=1777"),
///     Mount::bind("/usr", "/usr").recursive().read_only().create(),
/// ];
/// # assert_eq!(mounts.len(), 4);
/// ```
#[derive(Clone, Debug)]
pub struct Mount {
    pub(super) target: PathBuf,
    pub(super) create: bool,
    pub(super) kind: Kind,
    pub(super) flags: MountFlags,
    pub(super) data: Option<OsString>,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A new file system of this type.
    New(&'static str),
    Bind {
        source: PathBuf,
        recursive: bool,
    },
    /// The upper directory comes with its work directory.
    Overlay {
        lower: Vec<PathBuf>,
        upper: Option<(PathBuf, PathBuf)>,
    },
    Dev,
}

/// For file systems that contain neither programs nor devices.
pub(super) const NO_PROGRAMS: MountFlags =
    MountFlags::NOSUID.union(MountFlags::NODEV).union(MountFlags::NOEXEC);

impl Mount {
    pub(super) fn new(target: impl Into<PathBuf>, kind: Kind, flags: MountFlags) -> Self {
        Self { target: target.into(), create: false, kind, flags, data: None }
    }

    /// Mounts proc(5) of the process's pid namespace; nosuid, nodev, noexec.
    ///
    /// In a user namespace this needs a new pid namespace, and a `/proc` outside that is not masked
    /// in part. Otherwise [`Mount::bind`] can show the outer `/proc`.
    pub fn proc(target: impl Into<PathBuf>) -> Self {
        Self::new(target, Kind::New("proc"), NO_PROGRAMS)
    }

    /// Mounts sysfs(5) of the process's network namespace; nosuid, nodev, noexec.
    ///
    /// In a user namespace this needs a new network namespace.
    pub fn sysfs(target: impl Into<PathBuf>) -> Self {
        Self::new(target, Kind::New("sysfs"), NO_PROGRAMS)
    }

    /// Mounts the POSIX message queues, mq_overview(7), of the process's ipc namespace; nosuid, nodev,
    /// noexec.
    ///
    /// In a user namespace this needs a new ipc namespace.
    pub fn mqueue(target: impl Into<PathBuf>) -> Self {
        Self::new(target, Kind::New("mqueue"), NO_PROGRAMS)
    }

    /// Mounts an empty tmpfs(5); nosuid, nodev.
    pub fn tmpfs(target: impl Into<PathBuf>) -> Self {
        Self::new(target, Kind::New("tmpfs"), MountFlags::NOSUID | MountFlags::NODEV)
    }

    /// Mounts a new instance of devpts, with separate pseudoterminals; nosuid, noexec.
    pub fn devpts(target: impl Into<PathBuf>) -> Self {
        let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
        Self::new(target, Kind::New("devpts"), flags).data("newinstance,ptmxmode=0666,mode=0620")
    }

    /// Binds a file or directory of the caller.
    pub fn bind(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        let kind = Kind::Bind { source: source.into(), recursive: false };
        Self::new(target, kind, MountFlags::empty())
    }

    /// Mounts overlayfs: the directories `lower`, the topmost first, below `upper`, which receives the
    /// changes.
    ///
    /// `work` is an empty directory on the file system of `upper`. In a user namespace `upper` needs
    /// `data("userxattr")`.
    pub fn overlay(
        target: impl Into<PathBuf>,
        lower: impl IntoIterator<Item = impl Into<PathBuf>>,
        upper: impl Into<PathBuf>,
        work: impl Into<PathBuf>,
    ) -> Self {
        let lower = lower.into_iter().map(Into::into).collect();
        let kind = Kind::Overlay { lower, upper: Some((upper.into(), work.into())) };
        Self::new(target, kind, MountFlags::empty())
    }

    /// Mounts overlayfs read-only, from two or more directories, the topmost first.
    pub fn overlay_read_only(
        target: impl Into<PathBuf>,
        lower: impl IntoIterator<Item = impl Into<PathBuf>>,
    ) -> Self {
        let lower = lower.into_iter().map(Into::into).collect();
        Self::new(target, Kind::Overlay { lower, upper: None }, MountFlags::empty())
    }

    /// Mounts a minimal `/dev`, which also works in a user namespace.
    ///
    /// It contains the caller's null, zero, full, random, urandom and tty; a new devpts at pts with
    /// ptmx; a new tmpfs at shm; and the links fd, stdin, stdout and stderr. With
    /// [`read_only`](Self::read_only) nothing can be added to `/dev` itself; pts and shm stay writable.
    pub fn dev(target: impl Into<PathBuf>) -> Self {
        let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
        Self::new(target, Kind::Dev, flags).data("mode=755")
    }

    /// Creates the target and its parent directories if they are missing; they stay afterwards.
    ///
    /// The mode of a directory is 755 and of a file 644, less the umask.
    #[must_use]
    pub fn create(mut self) -> Self {
        self.create = true;
        self
    }

    /// Also binds what is mounted below the source of a bind.
    ///
    /// In a user namespace a directory with inherited mounts below it can only be bound this way.
    #[must_use]
    pub fn recursive(mut self) -> Self {
        if let Kind::Bind { recursive, .. } = &mut self.kind {
            *recursive = true;
        }
        self
    }

    /// Makes the mount read-only. With [`recursive`](Self::recursive) this includes the mounts below it
    /// and needs Linux 5.12.
    #[must_use]
    pub fn read_only(self) -> Self {
        self.flag(MountFlags::RDONLY)
    }

    /// Ignores set-user-ID and set-group-ID bits and file capabilities.
    #[must_use]
    pub fn nosuid(self) -> Self {
        self.flag(MountFlags::NOSUID)
    }

    /// Forbids opening devices.
    #[must_use]
    pub fn nodev(self) -> Self {
        self.flag(MountFlags::NODEV)
    }

    /// Forbids executing programs.
    #[must_use]
    pub fn noexec(self) -> Self {
        self.flag(MountFlags::NOEXEC)
    }

    /// Adds options of the file system, separated by commas; a bind ignores them.
    #[must_use]
    pub fn data(mut self, options: impl Into<OsString>) -> Self {
        let options = options.into();
        match &mut self.data {
            Some(data) => data.extend([",".into(), options]),
            None => self.data = Some(options),
        }
        self
    }

    fn flag(mut self, flag: MountFlags) -> Self {
        self.flags |= flag;
        self
    }

    /// Replaces the target.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<PathBuf>) -> Self {
        self.target = target.into();
        self
    }

    /// Returns the target, a path of the new root.
    pub fn target(&self) -> &Path {
        &self.target
    }
}
