//! Namespaces of others that are entered.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{Namespace, NamespaceFlags};

use super::{Builder, kind};
use crate::builder::Target;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Join {
    /// The process whose namespaces the builder's are, if they are not new ones.
    pub(crate) target: Option<Target>,
    /// What was switched off.
    pub(crate) without: NamespaceFlags,
    /// Single namespaces, the last of a kind counts.
    pub(crate) files: Vec<(Namespace, File)>,
    pub(crate) from_target: FromTarget,
}

/// What else is taken on from the target.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FromTarget {
    /// Root and working directory.
    pub(crate) root: bool,
    pub(crate) cgroup: bool,
    pub(crate) privileges: bool,
}

impl FromTarget {
    pub(crate) fn anything(self) -> bool {
        self.root || self.cgroup || self.privileges
    }
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
/// of the mount namespace that it enters. Before the program is executed no process in there can trace the caller or
/// the child, or reach their descriptors, unless it has `CAP_SYS_PTRACE` in the caller's own user namespace.
///
/// Until then the "dumpable" attribute of the calling process is cleared, which its other threads may notice:
/// - what they fork is not dumpable either, until it executes a program;
/// - without privilege they cannot open files of `/proc/self` such as `environ`;
/// - they set the attribute by [`set_dumpable`](crate::set_dumpable), and not by prctl(2), which would be undone.
///
/// Dropping the handle kills and reaps the process: unreaped, it would keep a pid namespace from ending.
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

    /// Takes on the target's root and working directory, which are opened before anything is entered. By
    /// default both are `/` of the mount namespace that is entered, also where the target has another
    /// root by chroot(2).
    ///
    /// A [`workdir`](Builder::workdir) is one of that root.
    ///
    /// # Errors
    /// [`Step::Prepare`](crate::Step::Prepare), `EACCES`: the caller may not look at the target;
    /// [`Step::FollowRoot`](crate::Step::FollowRoot), `EPERM`: needs `CAP_SYS_CHROOT`, which a user
    /// namespace that is entered gives.
    ///
    /// # References
    /// proc_pid_root(5), proc_pid_cwd(5), chroot(2).
    pub fn follow_root(&mut self) -> &mut Self {
        self.join.from_target.root = true;
        self
    }

    /// Moves the program into the target's cgroups before it does anything, of version 2 and of each
    /// hierarchy of version 1; by default it begins in the caller's. Those in which the caller is already
    /// are left out.
    ///
    /// The caller has to see the hierarchies of version 1 and 2 mounted, and the target's cgroups in them.
    ///
    /// The kernel moves a process by its number. If the child is killed, and another waiter reaps it just before,
    /// another process may have its number. Then that one is moved, and the start fails.
    ///
    /// # Errors
    /// [`Step::Cgroup`](crate::Step::Cgroup): `EACCES` or `EPERM`, the caller may not write `cgroup.procs`
    /// there, or in the common ancestor; `ENOENT`, what the caller sees mounted does not show that cgroup;
    /// `EBUSY`, `EOPNOTSUPP`, it takes no processes.
    ///
    /// # References
    /// cgroups(7); kernel/cgroup/cgroup.c `cgroup_procs_write`.
    pub fn join_cgroup(&mut self) -> &mut Self {
        self.join.from_target.cgroup = true;
        self
    }

    /// Neither the program nor what it executes may do what the target may not: capabilities that the
    /// target does not have leave the bounding set, what is ambient there is ambient here, and
    /// `no_new_privs` is set if the target has it.
    ///
    /// By default the program has all capabilities over a user namespace that it enters, and what the
    /// caller has over others. A seccomp filter cannot be taken on; limits, niceness and a security
    /// label stay the caller's.
    ///
    /// # Errors
    /// [`Step::Prepare`](crate::Step::Prepare), `EACCES`: the caller may not look at the target;
    /// [`Step::Capabilities`](crate::Step::Capabilities), `EPERM`: needs `CAP_SETPCAP`, which a user
    /// namespace that is entered gives.
    ///
    /// # References
    /// capabilities(7), proc_pid_status(5).
    pub fn match_privileges(&mut self) -> &mut Self {
        self.join.from_target.privileges = true;
        self
    }

    /// Whether the target's root is taken on.
    pub fn get_follow_root(&self) -> bool {
        self.join.from_target.root
    }

    /// Whether the target's cgroups are.
    pub fn get_join_cgroup(&self) -> bool {
        self.join.from_target.cgroup
    }

    /// Whether the target's privileges are the most that the program has.
    pub fn get_match_privileges(&self) -> bool {
        self.join.from_target.privileges
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

    pub(crate) fn join_file(&mut self, kind: Namespace, file: File) -> &mut Self {
        self.join.files.retain(|(known, _)| *known != kind);
        self.join.files.push((kind, file));
        self
    }
}
