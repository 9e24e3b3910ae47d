//! Explanations of errors of the child.

use std::fmt;
use std::format;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_sys::Errno;

use super::plan::RootPlan;
use super::settings::ChangeSetting;
use crate::{Mount, Step, StepError};

/// The path that a failed step used, and what to do.
///
/// `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The error.
    pub error: StepError,
    /// What the path is: `source`, `target`, `lower directory` and others.
    pub role: &'static str,
    /// The path, as in the settings.
    pub path: Option<PathBuf>,
    /// The target of the mount to which a source belongs.
    pub target: Option<PathBuf>,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

impl RootPlan {
    /// Names the path that a failed step of [`apply`](Self::apply) used, and what to do about it.
    ///
    /// Makes no system call.
    ///
    /// # Examples
    /// ```
    /// use ns_fs::{Mount, Root, RootPlan, Step, StepError, Workdir};
    ///
    /// let root = Root::pivot("/srv/root").mount(Mount::bind("/no/such", "/mnt"));
    /// let plan = RootPlan::new(root, Workdir::default())?;
    /// let errno = ns_sys::Errno::NOENT;
    /// let error = StepError { step: Step::MountSource { mount: 0, source: 0 }, errno };
    /// assert_eq!(plan.explain(&error).path.as_deref(), Some("/no/such".as_ref()));
    /// # Ok::<(), ns_fs::RootError>(())
    /// ```
    pub fn explain(&self, error: &StepError) -> Explanation {
        let mount = |index: u32| self.settings.mounts.get(usize::try_from(index).ok()?);
        let explanation = |role, path: Option<&Path>| Explanation {
            error: *error,
            role,
            path: path.map(Path::to_owned),
            target: None,
            hint: None,
        };
        match error.step {
            Step::MountSource { mount: index, source } => {
                let sources = mount(index).map(Mount::sources).unwrap_or_default();
                let found = sources.get(usize::try_from(source).unwrap_or(usize::MAX));
                let (role, path) =
                    found.map_or(("source", None), |(role, path)| (*role, Some(*path)));
                Explanation {
                    target: mount(index).map(|mount| mount.target().to_owned()),
                    hint: mount(index).and_then(|mount| source_hint(mount, error.errno)),
                    ..explanation(role, path)
                }
            }
            Step::MountTarget(index) => Explanation {
                hint: mount(index).and_then(|mount| target_hint(mount, error.errno)),
                ..explanation("target", mount(index).map(Mount::target))
            },
            Step::Mount(index) => Explanation {
                hint: mount(index).and_then(|mount| mount_hint(mount, error.errno)),
                ..explanation("mount", mount(index).map(Mount::target))
            },
            Step::OpenRoot | Step::PivotRoot | Step::Chroot => explanation("root", self.new_root()),
            _ => explanation("", None),
        }
    }

    fn new_root(&self) -> Option<&Path> {
        match &self.settings.change {
            ChangeSetting::Pivot(path) | ChangeSetting::Chroot(path) => Some(path),
            ChangeSetting::None => None,
        }
    }
}

fn source_hint(mount: &Mount, errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::NOENT => "it does not exist; create it, or make the mount optional",
        Errno::NOTDIR => "a part of the path is not a directory, or a layer of an overlay is none",
        Errno::ACCESS => {
            "the process may not search its path; a caller with CAP_SYS_ADMIN can pass a Tree"
        }
        Errno::INVAL if !mount.is_recursive() => {
            "it has inherited mounts below it; in a user namespace, bind it recursively"
        }
        Errno::INVAL => "its mount is unbindable",
        Errno::PERM => "needs CAP_SYS_ADMIN over the mount namespace",
        Errno::STALE => "the path leads to another file than the one that the caller opened",
        Errno::NODEV => "it is not the device with these numbers, or does not exist",
        _ => return None,
    })
}

fn target_hint(mount: &Mount, errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::NOENT if mount.creates_target() => {
            "its path contains a symbolic link whose target does not exist in the new root"
        }
        Errno::NOENT => "create it, or let the mount create it with create()",
        Errno::NOTDIR => "a part of its path is no directory",
        Errno::BUSY => "it leads to the root itself; only the first mount may become the root",
        Errno::LOOP => {
            "magic links of proc(5) are not followed; before Linux 5.6, no symbolic link is"
        }
        Errno::ROFS => "it does not exist, and its file system is read-only",
        Errno::OVERFLOW => "the process's IDs are not mapped, so it can create no file there",
        _ => return None,
    })
}

fn mount_hint(mount: &Mount, errno: Errno) -> Option<&'static str> {
    Some(match (errno, mount.fs_type()) {
        (Errno::NOTDIR, None) => "the source is a directory, but the target is not",
        (Errno::ISDIR, _) => "the target is a directory, but the source is not",
        (Errno::PERM, Some(b"proc")) => {
            "in a user namespace, proc needs a new pid namespace, and no mount may hide a part of the caller's /proc"
        }
        (Errno::PERM, Some(b"sysfs")) => "in a user namespace, sysfs needs a new net namespace",
        (Errno::PERM, Some(b"mqueue")) => "in a user namespace, mqueue needs a new ipc namespace",
        (Errno::PERM, Some(b"cgroup2")) => {
            "in a user namespace, cgroup2 needs a new cgroup namespace"
        }
        (Errno::PERM, Some(_)) => {
            "needs CAP_SYS_ADMIN over the mount namespace, and a file system that a user namespace may mount"
        }
        (Errno::PERM, None) if mount.clears() => {
            "a user namespace may not clear inherited attributes"
        }
        (Errno::PERM, None) => "needs CAP_SYS_ADMIN over the mount namespace",
        (Errno::INVAL, Some(b"overlay")) => {
            "upper and work directory must be on one file system with extended attributes, outside the \
             lower ones; the kernel log names the reason"
        }
        (Errno::INVAL, Some(_)) => "the file system refused an option; the kernel log may name it",
        (Errno::INVAL, None) if mount.is_change() => "it is not a mount point",
        (Errno::NODEV, _) => "this kernel has no such file system",
        (Errno::BUSY, Some(_)) => "it is mounted there already",
        (Errno::OVERFLOW, _) => "the process's IDs are not mapped, so it can create no file there",
        (Errno::EXIST, _) => "another file has this name",
        (Errno::NAMETOOLONG, _) if mount.copies_up() => "directories are nested more than 32 deep",
        (Errno::NOSPC, _) if mount.copies_up() => "the copy is larger than the new file system",
        (Errno::ACCESS, _) if mount.copies_up() => "a file in the target may not be read",
        (Errno::STALE, _) if mount.copies_up() => "another process replaced a file in the target",
        (Errno::NOSYS, _) if mount.copies_up() => "copy_up needs Linux 5.2",
        (Errno::NOSYS, _) => "needs Linux 5.12 for the mounts below",
        _ => return None,
    })
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |path: &Path| format!("{:?}", path.to_string_lossy());
        match (&self.path, &self.target) {
            (Some(path), Some(target)) => {
                write!(f, "{} {} of the mount on {}", self.role, quoted(path), quoted(target))?;
            }
            (Some(path), None) => write!(f, "{} {}", self.role, quoted(path))?,
            _ => write!(f, "{}", self.error.step)?,
        }
        write!(f, ": {}", self.error.errno)?;
        self.hint.map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}
