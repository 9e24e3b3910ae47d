//! Existing namespaces that the child joins, and the target of an `Inject`.

use std::ffi::OsStr;
use std::format;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{Namespace, NamespaceFlags, UnshareFlags};

use super::{Builder, Target, kind};

/// Namespaces that a start opens and the child joins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Join {
    /// The process whose namespaces are joined, for an `Inject`.
    pub(crate) target: Option<Target>,
    /// The kinds to join of the target, including namespaces that the caller is already in. A
    /// builder leaves this empty; [`Join::checked`] sets it.
    pub(crate) target_kinds: NamespaceFlags,
    /// Single namespaces, one per kind.
    pub(crate) files: Vec<(Namespace, JoinFile)>,
    pub(crate) from_target: FromTarget,
}

/// Other properties that the child takes from the target.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FromTarget {
    /// Root directory and working directory.
    pub(crate) root: bool,
    pub(crate) cgroup: bool,
    pub(crate) privileges: bool,
}

impl FromTarget {
    pub(crate) fn anything(self) -> bool {
        self.root || self.cgroup || self.privileges
    }
}

/// The file of a namespace.
#[derive(Clone, Debug)]
pub(crate) enum JoinFile {
    Path(PathBuf),
    Open(Arc<OwnedFd>),
}

/// Starts a program in the namespaces of another process.
///
/// By default the program joins all namespaces of the target. [`namespace`](Builder::namespace) and
/// [`namespaces`](Builder::namespaces) select some of them, and [`without`](Builder::without)
/// excludes one. Namespaces that the caller is already in are skipped; see
/// [`joined_namespaces`](Inject::joined_namespaces). The setters are listed at [`Builder`].
///
/// The program is a child of the caller, with the caller's standard streams, environment, limits
/// and cgroup, and with all capabilities over a user namespace that it joins. Its working directory
/// is `/` of the joined mount namespace. Until execve(2), a process in these namespaces can neither
/// trace the caller or the child nor use their descriptors, unless it has `CAP_SYS_PTRACE` in the
/// caller's user namespace.
///
/// During that time the "dumpable" attribute of the calling process is cleared, which affects its
/// other threads:
/// - A process that they fork is not dumpable either, until it executes a program.
/// - Without privilege they cannot open files of `/proc/self` such as `environ`.
/// - They must set the attribute by [`set_dumpable`](crate::set_dumpable): the end of the start
///   would undo prctl(2).
///
/// Dropping the handle kills and reaps the process, because a zombie would keep the pid namespace
/// from ending.
///
/// # Errors
/// A start fails as that of a container, and also with:
/// - [`Step::TargetGone`](crate::Step::TargetGone): the target has terminated.
/// - [`Step::Join`](crate::Step::Join), `EPERM`: needs `CAP_SYS_ADMIN` over the namespaces. If the
///   caller may join the user namespace that owns them, select that namespace too. `EACCES`: only
///   the target's own user may inspect the target.
///
/// # Kernel support
/// Linux 5.8.
///
/// # Examples
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
/// # References
/// setns(2), pidfd_open(2), user_namespaces(7).
pub type Inject = Builder<kind::Inject>;

/// # Target
///
/// The target of an [`Inject`], and the properties that the program takes from it.
impl Inject {
    /// Creates a builder that starts `program` in the namespaces of `target`.
    ///
    /// The program is a path, or a name to search in `PATH`, inside the joined mount namespace.
    pub fn new(target: impl Into<Target>, program: impl AsRef<OsStr>) -> Self {
        let mut inject = Self::with_program("inject", program.as_ref().to_owned());
        inject.join.target = Some(target.into());
        inject
    }

    /// Uses the target's root and working directory; by default both are `/` of the joined mount
    /// namespace.
    ///
    /// The default is the root of that namespace even if the target has another root by chroot(2).
    /// Both directories are opened before any namespace is joined. A [`workdir`](Builder::workdir)
    /// is a path inside that root.
    ///
    /// # Errors
    /// [`Step::Prepare`](crate::Step::Prepare), `EACCES`: the caller may not inspect the target;
    /// [`Step::FollowRoot`](crate::Step::FollowRoot), `EPERM`: needs `CAP_SYS_CHROOT`, which
    /// joining a user namespace gives.
    ///
    /// # References
    /// proc_pid_root(5), proc_pid_cwd(5), chroot(2).
    pub fn follow_root(&mut self) -> &mut Self {
        self.join.from_target.root = true;
        self
    }

    /// Moves the program into the target's cgroups before it runs; by default it starts in the
    /// caller's.
    ///
    /// This applies to version 2 and to each hierarchy of version 1. Cgroups that the caller is
    /// already in are skipped. The hierarchies and the target's cgroups must be visible in mounts
    /// of the caller.
    ///
    /// The kernel identifies the moved process by its ID. If the child is killed and another waiter
    /// reaps it just before the move, its ID may belong to another process. That process is then
    /// moved, and the start fails.
    ///
    /// # Errors
    /// [`Step::Cgroup`](crate::Step::Cgroup): `EACCES` or `EPERM`, the caller may not write
    /// `cgroup.procs` there or in the common ancestor; `ENOENT`, no mount of the caller shows that
    /// cgroup; `EBUSY` or `EOPNOTSUPP`, the cgroup accepts no processes.
    ///
    /// # References
    /// cgroups(7); kernel/cgroup/cgroup.c `cgroup_procs_write`.
    pub fn join_cgroup(&mut self) -> &mut Self {
        self.join.from_target.cgroup = true;
        self
    }

    /// Limits the program, and whatever it executes, to the privileges of the target.
    ///
    /// Capabilities that the target lacks leave the bounding set, its ambient capabilities are
    /// raised, and `no_new_privs` is set if the target has it. By default the program has all
    /// capabilities over a user namespace that it joins, and the caller's capabilities over others.
    /// The target's seccomp filter cannot be copied; resource limits, nice value and security label
    /// remain the caller's.
    ///
    /// # Errors
    /// [`Step::Prepare`](crate::Step::Prepare), `EACCES`: the caller may not inspect the target;
    /// [`Step::Capabilities`](crate::Step::Capabilities), `EPERM`: needs `CAP_SETPCAP`, which
    /// joining a user namespace gives.
    ///
    /// # References
    /// capabilities(7), proc_pid_status(5).
    pub fn match_privileges(&mut self) -> &mut Self {
        self.join.from_target.privileges = true;
        self
    }

    /// Whether the program uses the target's root and working directory.
    pub fn get_follow_root(&self) -> bool {
        self.join.from_target.root
    }

    /// Whether the program moves into the target's cgroups.
    pub fn get_join_cgroup(&self) -> bool {
        self.join.from_target.cgroup
    }

    /// Whether the program is limited to the target's privileges.
    pub fn get_match_privileges(&self) -> bool {
        self.join.from_target.privileges
    }
}

/// # Existing namespaces
///
/// Single namespaces that the program joins by their files.
impl<Kind> Builder<Kind> {
    /// Joins a namespace by its file: `/proc/PID/ns/…`, or a bind mount of it.
    ///
    /// Each start opens the file. The last file of a kind counts, and replaces the target's
    /// namespace of an [`Inject`]. Needs `CAP_SYS_ADMIN` over the namespace.
    ///
    /// # Errors
    /// [`Step::Prepare`](crate::Step::Prepare): the file cannot be opened, or is no namespace of
    /// this kind.
    ///
    /// # References
    /// setns(2), namespaces(7).
    pub fn namespace_file(&mut self, kind: Namespace, path: impl Into<PathBuf>) -> &mut Self {
        self.join_file(kind, JoinFile::Path(path.into()))
    }

    /// Joins a namespace by its descriptor; see [`namespace_file`](Self::namespace_file).
    ///
    /// # Errors
    /// As for [`namespace_file`](Self::namespace_file).
    ///
    /// # References
    /// setns(2), namespaces(7).
    pub fn join_namespace(&mut self, kind: Namespace, namespace: impl Into<OwnedFd>) -> &mut Self {
        self.join_file(kind, JoinFile::Open(Arc::new(namespace.into())))
    }

    /// The process whose namespaces an [`Inject`] joins.
    pub fn get_target(&self) -> Option<&Target> {
        self.join.target.as_ref()
    }

    pub(crate) fn join_file(&mut self, kind: Namespace, file: JoinFile) -> &mut Self {
        self.join.files.retain(|(known, _)| *known != kind);
        self.join.files.push((kind, file));
        self
    }
}

impl Join {
    /// Checks the settings, and computes the kinds to join of the target. An error begins with the
    /// name of the setter.
    pub(crate) fn checked(
        &self,
        selected: NamespaceFlags,
        without: NamespaceFlags,
    ) -> Result<Self, String> {
        let by_file: NamespaceFlags = self.files.iter().map(|(kind, _)| *kind).collect();
        let Some(target) = &self.target else {
            let both = by_file & (selected - NamespaceFlags::PID);
            return match both.kinds().next() {
                Some(kind) => {
                    Err(format!("join_namespace: a new {kind} namespace is requested as well"))
                }
                None => Ok(self.clone()),
            };
        };
        if let Some(message) = target.invalid() {
            return Err(format!("target: {message}"));
        }
        let selects_all = selected.is_empty() && by_file.is_empty();
        let selected = if selects_all { Namespace::ALL.into_iter().collect() } else { selected };
        Ok(Self { target_kinds: selected - without - by_file, ..self.clone() })
    }

    /// All kinds to join, including namespaces that the caller is already in.
    pub(crate) fn kinds(&self) -> NamespaceFlags {
        self.files.iter().fold(self.target_kinds, |kinds, (kind, _)| kinds | kind.flag())
    }

    /// The namespace with the number `index`, or all of them, for an error message.
    pub(crate) fn object(&self, index: u32) -> String {
        let target = self.target.as_ref();
        let of = target.map_or_else(String::new, |target| format!(" of {target}"));
        match Namespace::ALL.into_iter().find(|kind| *kind as u32 == index) {
            Some(kind) => format!("the {kind} namespace{of}"),
            None => format!("{}{of}", self.kinds()),
        }
    }

    /// The files that are opened before the clone.
    pub(crate) fn describe_opening(&self) -> impl Iterator<Item = String> {
        let target = self.target.iter().map(|target| format!("pidfd_open({target})"));
        target.chain(self.files.iter().map(|(kind, file)| match file {
            JoinFile::Path(path) => {
                format!("open({:?}), a {kind} namespace", path.to_string_lossy())
            }
            JoinFile::Open(_) => format!("ioctl(NS_GET_NSTYPE) of a {kind} namespace"),
        }))
    }

    /// The files of the target that are opened for its other properties.
    pub(crate) fn describe_following(&self) -> impl Iterator<Item = String> {
        let FromTarget { root, cgroup, privileges } = self.from_target;
        let root = root.then_some("open(root of the target); open(cwd of the target)");
        let cgroup = cgroup.then_some("open(cgroup.procs of the target's cgroups)");
        let privileges = privileges.then_some("open(status of the target)");
        let all = root.into_iter().chain(cgroup).chain(privileges);
        all.map(ToOwned::to_owned)
    }

    /// The move into the target's cgroups.
    pub(crate) fn describe_cgroups(&self) -> Option<String> {
        self.from_target.cgroup.then(|| "write(cgroup.procs, child)".to_owned())
    }

    /// The calls that limit the child to the privileges of the target.
    pub(crate) fn describe_limits(&self) -> impl Iterator<Item = String> {
        let calls = [
            "prctl(PR_SET_NO_NEW_PRIVS), if the target has it",
            "prctl(PR_CAPBSET_DROP, what the target lacks)",
            "capset(what the target has)",
        ];
        calls.map(ToOwned::to_owned).into_iter().filter(|_| self.from_target.privileges)
    }

    /// The change to the target's directories.
    pub(crate) fn describe_root(&self) -> impl Iterator<Item = String> {
        let calls = ["fchdir(root)", r#"chroot(".")"#, "fchdir(cwd)"].map(ToOwned::to_owned);
        calls.into_iter().filter(|_| self.from_target.root)
    }

    /// The joins; a start skips namespaces that the caller is already in. An `optimistic` join
    /// verifies its assumptions about the target from inside.
    pub(crate) fn describe(&self, optimistic: bool) -> impl Iterator<Item = String> {
        let kinds = self.target_kinds;
        let mounts = optimistic && kinds.contains(NamespaceFlags::MNT);
        let user = optimistic && kinds.contains(NamespaceFlags::USER);
        let before = mounts.then_some(r#"statx("/", STATX_MNT_ID_UNIQUE); statmount(root)"#);
        let after = mounts.then_some("statmount(former root)");
        let ids = user.then_some("geteuid(); getegid()");
        let flags = UnshareFlags::from(kinds);
        let target = self.target.iter().map(move |_| format!("setns(pidfd, {flags})"));
        let target = before.map(ToOwned::to_owned).into_iter().chain(target);
        let target = target.chain(after.into_iter().chain(ids).map(ToOwned::to_owned));
        target.chain(self.files.iter().map(|(kind, _)| format!("setns({kind})")))
    }
}
