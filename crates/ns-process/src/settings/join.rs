//! Namespaces of others that are entered.

use std::ffi::OsStr;
use std::format;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{Namespace, NamespaceFlags};

use super::{Builder, Target, kind};

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct JoinConfig {
    /// The process whose namespaces the builder's are, if they are not new ones.
    pub(crate) target: Option<Target>,
    /// What was switched off.
    pub(crate) without: NamespaceFlags,
    /// Single namespaces, the last of a kind counts.
    pub(crate) files: Vec<(Namespace, JoinFile)>,
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
pub(crate) enum JoinFile {
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
/// - [`Step::JoinConfig`](crate::Step::JoinConfig), `EPERM`: the namespaces need `CAP_SYS_ADMIN` over them, which
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
        self.join_file(kind, JoinFile::Path(path.into()))
    }

    /// Enters a namespace by a descriptor of it.
    ///
    /// # Errors
    /// As [`namespace_file`](Self::namespace_file).
    pub fn join_namespace(&mut self, kind: Namespace, namespace: impl Into<OwnedFd>) -> &mut Self {
        self.join_file(kind, JoinFile::Open(Arc::new(namespace.into())))
    }

    /// The process whose namespaces are entered, of an [`Inject`].
    pub fn get_target(&self) -> Option<&Target> {
        self.join.target.as_ref()
    }

    pub(crate) fn join_file(&mut self, kind: Namespace, file: JoinFile) -> &mut Self {
        self.join.files.retain(|(known, _)| *known != kind);
        self.join.files.push((kind, file));
        self
    }
}

/// What a start will open, and the child enter.
#[derive(Debug, Default)]
pub(crate) struct Join {
    /// The process, and which of its namespaces, those that are the caller's too among them.
    pub(crate) target: Option<(Target, NamespaceFlags)>,
    pub(crate) files: Vec<(Namespace, JoinFile)>,
    /// What else is taken on from the process.
    pub(crate) from_target: FromTarget,
}

impl Join {
    /// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
    pub(crate) fn new(config: &JoinConfig, selected: NamespaceFlags) -> Result<Self, String> {
        let by_file: NamespaceFlags = config.files.iter().map(|(kind, _)| *kind).collect();
        let Some(target) = &config.target else {
            return Self::beside_new(config, by_file, selected);
        };
        if let Some(message) = target.invalid() {
            return Err(format!("target: {message}"));
        }
        let all = selected.is_empty() && by_file.is_empty();
        let selected = if all { Namespace::ALL.into_iter().collect() } else { selected };
        let of_target = selected - config.without - by_file;
        let target = Some((target.clone(), of_target));
        Ok(Self { target, files: config.files.clone(), from_target: config.from_target })
    }

    fn beside_new(
        config: &JoinConfig,
        joined: NamespaceFlags,
        new: NamespaceFlags,
    ) -> Result<Self, String> {
        if let Some(kind) = (joined & (new - NamespaceFlags::PID)).kinds().next() {
            return Err(format!("join_namespace: {kind} is to be new too"));
        }
        Ok(Self { target: None, files: config.files.clone(), from_target: config.from_target })
    }

    /// All kinds, as far as a plan knows.
    pub(crate) fn kinds(&self) -> NamespaceFlags {
        let of_target = self.target.as_ref().map_or(NamespaceFlags::empty(), |(_, kinds)| *kinds);
        self.files.iter().fold(of_target, |kinds, (kind, _)| kinds | kind.flag())
    }

    /// What could not be entered: one kind, by its number, or all at once.
    pub(crate) fn object(&self, index: u32) -> String {
        let target = self.target.as_ref();
        let of = target.map_or_else(String::new, |(target, _)| format!(" of {}", target.name()));
        match Namespace::ALL.into_iter().find(|kind| *kind as u32 == index) {
            Some(kind) => format!("the {kind} namespace{of}"),
            None => format!("{}{of}", self.kinds()),
        }
    }

    /// What is opened, before the clone.
    pub(crate) fn describe_opening(&self) -> impl Iterator<Item = String> {
        let target = self.target.iter().map(|(target, _)| format!("pidfd_open({})", target.name()));
        target.chain(self.files.iter().map(|(kind, file)| match file {
            JoinFile::Path(path) => {
                format!("open({:?}), a {kind} namespace", path.to_string_lossy())
            }
            JoinFile::Open(_) => format!("ioctl(NS_GET_NSTYPE) of a {kind} namespace"),
        }))
    }

    /// What else is opened, or read.
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

    /// What the child gives up, to have no more than the target.
    pub(crate) fn describe_limits(&self) -> impl Iterator<Item = String> {
        let calls = [
            "prctl(PR_SET_NO_NEW_PRIVS), if the target has it",
            "prctl(PR_CAPBSET_DROP, what the target lacks)",
            "capset(what the target has)",
        ];
        calls.map(ToOwned::to_owned).into_iter().filter(|_| self.from_target.privileges)
    }

    /// The child's way to the target's directories.
    pub(crate) fn describe_root(&self) -> impl Iterator<Item = String> {
        let calls = ["fchdir(root)", r#"chroot(".")"#, "fchdir(cwd)"].map(ToOwned::to_owned);
        calls.into_iter().filter(|_| self.from_target.root)
    }

    /// The joins; what the caller is in already is left out by the start. Whether a target is a `usual` one is
    /// looked at from inside.
    pub(crate) fn describe(&self, usual: bool) -> impl Iterator<Item = String> {
        let kinds = self.target.as_ref().map_or(NamespaceFlags::empty(), |(_, kinds)| *kinds);
        let mounts = usual && kinds.contains(NamespaceFlags::MNT);
        let user = usual && kinds.contains(NamespaceFlags::USER);
        let before = mounts.then_some(r#"statx("/", STATX_MNT_ID_UNIQUE); statmount(root)"#);
        let after = mounts.then_some("statmount(former root)");
        let ids = user.then_some("geteuid(); getegid()");
        let target = self.target.iter().map(|(_, kinds)| format!("setns(pidfd, {kinds})"));
        let target = before.map(ToOwned::to_owned).into_iter().chain(target);
        let target = target.chain(after.into_iter().chain(ids).map(ToOwned::to_owned));
        target.chain(self.files.iter().map(|(kind, _)| format!("setns({kind})")))
    }
}
