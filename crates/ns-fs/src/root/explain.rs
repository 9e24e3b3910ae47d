//! What an error of the child is about.

use std::fmt;
use std::format;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_sys::Errno;

use super::plan::RootPlan;
use super::settings::ChangeSetting;
use crate::{Mount, Step, StepError};

/// The path that a failed step is about, and what to do.
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
    /// Names the path that an error of [`apply`](Self::apply) is about, and what to do about it.
    ///
    /// The plan alone decides; no file is looked up.
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
        Errno::NOTDIR => "a part of the path is no directory, or a layer of an overlay is none",
        Errno::ACCESS => {
            "the IDs of the process may not search its path; open it with Tree::open in the caller"
        }
        Errno::INVAL if !mount.is_recursive() => {
            "a user namespace may not uncover what is mounted below it; bind it recursively"
        }
        Errno::INVAL => "its mount is unbindable",
        Errno::PERM => "needs CAP_SYS_ADMIN over the mount namespace",
        Errno::STALE => "another file has its path since the caller opened it",
        Errno::NODEV => "it is not the device with these numbers",
        _ => return None,
    })
}

fn target_hint(mount: &Mount, errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::NOENT if mount.creates_target() => {
            "a symbolic link on its path leads to nothing in the new root"
        }
        Errno::NOENT => "create it, or let the mount create it",
        Errno::NOTDIR => "a part of its path is no directory",
        Errno::BUSY => "it is the root itself",
        Errno::LOOP => "links of proc, and before Linux 5.6 all symbolic links, are not followed",
        Errno::ROFS => "it does not exist, and its file system is read-only",
        Errno::OVERFLOW => "it cannot be created: the process's IDs are not mapped there",
        _ => return None,
    })
}

fn mount_hint(mount: &Mount, errno: Errno) -> Option<&'static str> {
    Some(match (errno, mount.fs_type()) {
        (Errno::NOTDIR, None) => "the source is a directory, and the target is none",
        (Errno::ISDIR, _) => "the source is no directory, and the target is one",
        (Errno::PERM, Some(b"proc")) => {
            "a user namespace needs a new pid namespace too, and a /proc of which no mount hides a part"
        }
        (Errno::PERM, Some(b"sysfs")) => "a user namespace needs a new net namespace too",
        (Errno::PERM, Some(b"mqueue")) => "a user namespace needs a new ipc namespace too",
        (Errno::PERM, Some(b"cgroup2")) => "a user namespace needs a new cgroup namespace too",
        (Errno::PERM, Some(_)) => {
            "needs CAP_SYS_ADMIN over the mount namespace, and a file system that a user namespace may mount"
        }
        (Errno::PERM, None) if mount.clears() => {
            "a user namespace may not clear attributes that it inherited"
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
        (Errno::EXIST, _) => "another file is there",
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
