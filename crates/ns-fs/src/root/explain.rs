//! Explanations of errors of the child.

use std::ffi::OsStr;
use std::fmt;
use std::format;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use super::hints;
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
    /// What the path is: `source`, `target`, `lower directory`, `working directory` and others.
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
        let explanation = |role, path: Option<&Path>, hint| Explanation {
            error: *error,
            role,
            path: path.map(Path::to_owned),
            target: None,
            hint,
        };
        let errno = error.errno;
        match error.step {
            Step::MountSource { mount: index, source } => {
                let sources = mount(index).map(Mount::sources).unwrap_or_default();
                let found = sources.get(usize::try_from(source).unwrap_or(usize::MAX));
                let (role, path) =
                    found.map_or(("source", None), |(role, path)| (*role, Some(*path)));
                let hint = mount(index).and_then(|mount| hints::source(mount, errno));
                let target = mount(index).map(|mount| mount.target().to_owned());
                Explanation { target, ..explanation(role, path, hint) }
            }
            Step::MountTarget(index) => {
                let hint = mount(index).and_then(|mount| hints::target(mount, errno));
                explanation("target", mount(index).map(Mount::target), hint)
            }
            Step::Mount(index) => {
                let hint = mount(index).and_then(|mount| hints::mount(mount, errno));
                explanation("mount", mount(index).map(Mount::target), hint)
            }
            Step::Namespace => explanation("", None, hints::namespace(errno)),
            Step::Propagation => {
                explanation("propagation of", Some(Path::new("/")), hints::propagation(errno))
            }
            Step::OpenRoot => explanation("root", Some(self.new_root()), hints::open_root(errno)),
            Step::PivotRoot => {
                let is_private = self.settings.get_propagation().is_some();
                explanation("root", Some(self.new_root()), hints::pivot_root(errno, is_private))
            }
            Step::Chroot => explanation("root", Some(self.new_root()), hints::chroot(errno)),
            Step::ReadOnlyRoot => {
                explanation("read-only root", Some(self.new_root()), hints::privilege(errno))
            }
            Step::Workdir => {
                let (path, is_created) = self.shown_workdir();
                explanation("working directory", path, hints::workdir(errno, is_created))
            }
            _ => explanation("", None, None),
        }
    }

    fn new_root(&self) -> &Path {
        match &self.settings.change {
            ChangeSetting::Pivot(path) | ChangeSetting::Chroot(path) => path,
            ChangeSetting::None => Path::new("/"),
        }
    }

    /// The working directory, and whether the child creates it.
    fn shown_workdir(&self) -> (Option<&Path>, bool) {
        self.workdir().map_or((None, false), |(path, is_created)| {
            (Some(Path::new(OsStr::from_bytes(path.to_bytes()))), is_created)
        })
    }
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
