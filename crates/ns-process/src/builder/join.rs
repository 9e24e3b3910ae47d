//! Namespaces of others that are entered.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{Namespace, NamespaceFlags};

use super::{Builder, kind};
use crate::target::Target;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Join {
    /// The process whose namespaces the builder's are, if they are not new ones.
    pub(crate) target: Option<Target>,
    /// What was switched off.
    pub(crate) without: NamespaceFlags,
    /// Single namespaces, the last of a kind counts.
    pub(crate) files: Vec<(Namespace, File)>,
}

/// Where a namespace is.
#[derive(Clone, Debug)]
pub(crate) enum File {
    Path(PathBuf),
    Open(Arc<OwnedFd>),
}

/// Starts a program in the namespaces of another process.
///
/// Without a selection, in all of them; [`namespace`](Builder::namespace) and its like select, and
/// [`without`](Builder::without) leaves out. Those that the caller is in already are left out by
/// themselves. All other setters are those of [`Builder`].
///
/// The program is a child of the caller, with the caller's standard streams, environment, limits and
/// cgroup, and with all capabilities over a user namespace that it enters. Its working directory is `/`
/// of the mount namespace that it enters. Nobody in there can trace the caller or the child, or reach
/// their descriptors, before the program is executed. Dropping the handle kills and reaps it: unreaped,
/// it would keep a pid namespace from ending.
///
/// ```
/// use ns_process::{Container, Inject, Namespace};
///
/// let mut container = Container::new("sleep");
/// container.arg("1000").namespaces([Namespace::User, Namespace::Uts]).map_zero().hostname("box");
/// let process = container.start()?;
/// let output = Inject::new(&process, "uname").arg("-n").output()?;
/// assert_eq!(output.stdout, b"box\n");
/// process.kill()?;
/// # Ok::<(), ns_process::Error>(())
/// ```
///
/// # Errors
/// Of a start, besides a container's:
/// - [`Step::TargetGone`](crate::Step::TargetGone): there is no such process any more.
/// - [`Step::Join`](crate::Step::Join), `EPERM`: the namespaces need `CAP_SYS_ADMIN` over them, which
///   who may enter their user namespace has once it is selected too; `EACCES`: nobody may look at the
///   target but its own user.
///
/// # Kernel support
/// Linux 5.8.
///
/// # References
/// setns(2), pidfd_open(2), user_namespaces(7).
pub type Inject = Builder<kind::Inject>;

impl Inject {
    /// A program, by path or by a name that is looked up in `PATH`, in there.
    pub fn new(target: impl Into<Target>, program: impl AsRef<OsStr>) -> Self {
        let mut inject = Self::with_program("inject", program.as_ref().to_owned());
        inject.join.target = Some(target.into());
        inject
    }
}

impl<Kind> Builder<Kind> {
    /// Enters a namespace by its file, `/proc/PID/ns/…` or one that was bound; the last one of a kind
    /// counts, before an [`Inject`]'s own. It is opened by each start.
    ///
    /// # Errors
    /// [`Step::Prepare`](crate::Step::Prepare): it cannot be opened, or is none of this kind.
    pub fn namespace_file(&mut self, kind: Namespace, path: impl Into<PathBuf>) -> &mut Self {
        self.join_file(kind, File::Path(path.into()))
    }

    /// Enters a namespace by a descriptor of it.
    ///
    /// # Errors
    /// As [`namespace_file`](Self::namespace_file).
    pub fn join_namespace(&mut self, kind: Namespace, namespace: impl Into<OwnedFd>) -> &mut Self {
        self.join_file(kind, File::Open(Arc::new(namespace.into())))
    }

    /// The process whose namespaces are entered, of an [`Inject`].
    pub fn get_target(&self) -> Option<&Target> {
        self.join.target.as_ref()
    }

    fn join_file(&mut self, kind: Namespace, file: File) -> &mut Self {
        self.join.files.retain(|(known, _)| *known != kind);
        self.join.files.push((kind, file));
        self
    }
}
