//! The steps of the child, and the error of a failed step.

use core::fmt;

use ns_sys::Errno;
use ns_sys::fd::RawFd;

/// A step of [`apply`](crate::apply).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// unshare(2) of the mount namespace, in [`RootPlan::apply`](crate::RootPlan::apply).
    Namespace,
    /// [`apply::propagation`](crate::apply::propagation).
    Propagation,
    /// [`apply::mount_proc`](crate::apply::mount_proc).
    MountProc,
    /// [`apply::bind_new_root`](crate::apply::bind_new_root) or
    /// [`apply::enter_new_root`](crate::apply::enter_new_root).
    OpenRoot,
    /// Opening or creating the target of a mount; with the position of the mount in the list.
    MountTarget(u32),
    /// Opening a source of a mount: a directory of an overlay, or the one source of another mount.
    MountSource {
        /// The position of the mount in the list.
        mount: u32,
        /// The position of the source in the mount.
        source: u32,
    },
    /// A mount itself; with its position in the list.
    Mount(u32),
    /// [`apply::read_only_here`](crate::apply::read_only_here).
    ReadOnlyRoot,
    /// pivot_root(2), in [`apply::pivot_root_here`](crate::apply::pivot_root_here).
    PivotRoot,
    /// umount2(2) of the old root, in [`apply::pivot_root_here`](crate::apply::pivot_root_here).
    DetachOldRoot,
    /// [`apply::chroot_here`](crate::apply::chroot_here).
    Chroot,
    /// [`apply::workdir`](crate::apply::workdir).
    Workdir,
    /// [`apply::open_console`](crate::apply::open_console).
    OpenConsole,
    /// [`apply::mount_console`](crate::apply::mount_console).
    MountConsole,
    /// [`apply::place_fds`](crate::apply::place_fds), at this descriptor number.
    PlaceFd(RawFd),
    /// [`apply::close_rest`](crate::apply::close_rest).
    CloseRest,
}

impl Step {
    /// Returns a function that makes an error of this step.
    pub(crate) const fn failed(self) -> impl Fn(Errno) -> StepError {
        move |errno| StepError { step: self, errno }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace => f.write_str("mount namespace"),
            Self::Propagation => f.write_str("propagation"),
            Self::MountProc => f.write_str("mount_proc"),
            Self::OpenRoot => f.write_str("new root"),
            Self::MountTarget(index) => write!(f, "target of mount {index}"),
            Self::MountSource { mount, source: 0 } => write!(f, "source of mount {mount}"),
            Self::MountSource { mount, source } => write!(f, "source {source} of mount {mount}"),
            Self::Mount(index) => write!(f, "mount {index}"),
            Self::ReadOnlyRoot => f.write_str("read-only root"),
            Self::PivotRoot => f.write_str("pivot_root"),
            Self::DetachOldRoot => f.write_str("umount of the old root"),
            Self::Chroot => f.write_str("chroot"),
            Self::Workdir => f.write_str("workdir"),
            Self::OpenConsole => f.write_str("new pseudo-terminal"),
            Self::MountConsole => f.write_str("mount on /dev/console"),
            Self::PlaceFd(number) => write!(f, "place_fds {number}"),
            Self::CloseRest => f.write_str("close_rest"),
        }
    }
}

/// A failed step. It holds no text and uses no heap, so that a child can make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StepError {
    /// The step.
    pub step: Step,
    /// The errno of the system call that failed.
    pub errno: Errno,
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.step)
    }
}

/// The errno, as `pre_exec` of std's `Command` returns it. The step is lost. Allocates nothing.
///
/// # Examples
/// ```no_run
/// use std::os::unix::process::CommandExt;
/// use std::process::Command;
///
/// use ns_fs::{Root, RootPlan, Workdir};
///
/// let plan = RootPlan::new(Root::pivot("rootfs"), Workdir::new("/"))?;
/// let mut command = Command::new("sh");
/// // SAFETY: the plan only makes bare system calls, and allocates nothing.
/// unsafe { command.pre_exec(move || Ok(plan.apply()?)) };
/// # Ok::<(), ns_fs::RootError>(())
/// ```
impl From<StepError> for std::io::Error {
    fn from(error: StepError) -> Self {
        Self::from_raw_os_error(error.errno.raw_os_error())
    }
}

impl core::error::Error for StepError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.errno)
    }
}
