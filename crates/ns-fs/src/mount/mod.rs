//! Mounts that a root needs, as plain values.

mod compile;
mod dev;
mod overlay;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_sys::child::MountFlags;

pub(crate) use compile::compile;

/// One mount below a root: what, where, and how.
///
/// Targets are paths of the new root, and resolved there: no symbolic link leads out. Sources are
/// the caller's paths, relative ones from its working directory when the plan is made.
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
    target: PathBuf,
    create: bool,
    kind: Kind,
    flags: MountFlags,
    data: Option<OsString>,
}

#[derive(Clone, Debug)]
enum Kind {
    New(&'static str),
    Bind { source: PathBuf, recursive: bool },
    Overlay { lower: Vec<PathBuf>, upper: Option<(PathBuf, PathBuf)> },
    Dev,
}

/// What kernel file systems get that hold neither programs nor devices.
const CLOSED: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV).union(MountFlags::NOEXEC);

impl Mount {
    fn new(target: impl Into<PathBuf>, kind: Kind, flags: MountFlags) -> Self {
        Self { target: target.into(), create: false, kind, flags, data: None }
    }

    /// proc(5) of the pid namespace of the process; nosuid, nodev, noexec.
    ///
    /// In a user namespace it needs a pid namespace of its own, and a `/proc` outside of which
    /// nothing is masked. Where that does not hold, [`Mount::bind`] shows the outer one.
    pub fn proc(target: impl Into<PathBuf>) -> Self {
        Self::new(target, Kind::New("proc"), CLOSED)
    }

    /// sysfs(5) of the network namespace of the process; nosuid, nodev, noexec.
    ///
    /// In a user namespace it needs a network namespace of its own.
    pub fn sysfs(target: impl Into<PathBuf>) -> Self {
        Self::new(target, Kind::New("sysfs"), CLOSED)
    }

    /// mq_overview(7) of the ipc namespace of the process; nosuid, nodev, noexec.
    ///
    /// In a user namespace it needs an ipc namespace of its own.
    pub fn mqueue(target: impl Into<PathBuf>) -> Self {
        Self::new(target, Kind::New("mqueue"), CLOSED)
    }

    /// tmpfs(5), empty; nosuid, nodev.
    pub fn tmpfs(target: impl Into<PathBuf>) -> Self {
        Self::new(target, Kind::New("tmpfs"), MountFlags::NOSUID | MountFlags::NODEV)
    }

    /// devpts, with terminals of its own; nosuid, noexec.
    pub fn devpts(target: impl Into<PathBuf>) -> Self {
        let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
        Self::new(target, Kind::New("devpts"), flags).data("newinstance,ptmxmode=0666,mode=0620")
    }

    /// A file or directory of the caller's.
    pub fn bind(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        let kind = Kind::Bind { source: source.into(), recursive: false };
        Self::new(target, kind, MountFlags::empty())
    }

    /// overlayfs: `lower` from the topmost on, and above it `upper`, which takes the changes, with its
    /// empty `work` on the same file system.
    ///
    /// In a user namespace `upper` needs `data("userxattr")`.
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

    /// overlayfs without changes: two directories or more, from the topmost on.
    pub fn overlay_read_only(
        target: impl Into<PathBuf>,
        lower: impl IntoIterator<Item = impl Into<PathBuf>>,
    ) -> Self {
        let lower = lower.into_iter().map(Into::into).collect();
        Self::new(target, Kind::Overlay { lower, upper: None }, MountFlags::empty())
    }

    /// A minimal `/dev`, in a user namespace too: null, zero, full, random, urandom and tty of the
    /// caller's, ptmx and pts of its own, shm, and the links fd, stdin, stdout, stderr. Made read-only,
    /// nothing can be added to it; pts and shm go on as they are.
    pub fn dev(target: impl Into<PathBuf>) -> Self {
        let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
        Self::new(target, Kind::Dev, flags).data("mode=755")
    }

    /// Makes the target, and the directories that lead there, if they are missing; they stay. Their mode
    /// is 755, of a file 644, less the umask.
    #[must_use]
    pub fn create(mut self) -> Self {
        self.create = true;
        self
    }

    /// Brings along what is mounted below the source of a bind. In a user namespace a directory with
    /// inherited mounts below it can be bound in this way only.
    #[must_use]
    pub fn recursive(mut self) -> Self {
        if let Kind::Bind { recursive, .. } = &mut self.kind {
            *recursive = true;
        }
        self
    }

    /// Nothing can be changed through it; of a recursive bind, below it neither (since Linux 5.12).
    #[must_use]
    pub fn read_only(self) -> Self {
        self.flag(MountFlags::RDONLY)
    }

    /// Programs there get no ids or capabilities from their files.
    #[must_use]
    pub fn nosuid(self) -> Self {
        self.flag(MountFlags::NOSUID)
    }

    /// Devices there cannot be opened.
    #[must_use]
    pub fn nodev(self) -> Self {
        self.flag(MountFlags::NODEV)
    }

    /// Programs there cannot be executed.
    #[must_use]
    pub fn noexec(self) -> Self {
        self.flag(MountFlags::NOEXEC)
    }

    /// More options of the file system, separated by commas; a bind has none.
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

    /// The same mount somewhere else.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<PathBuf>) -> Self {
        self.target = target.into();
        self
    }

    /// Where it will be, in the new root.
    pub fn target(&self) -> &Path {
        &self.target
    }
}
