//! Namespaces of others that are entered.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::{Namespace, NamespaceFlags};

use crate::builder::Target;
use crate::builder::{FromTarget, Join as Wish, JoinFile};

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
    pub(super) fn new(config: &Wish, selected: NamespaceFlags) -> Result<Self, String> {
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
        config: &Wish,
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
    pub(super) fn describe_opening(&self) -> impl Iterator<Item = String> {
        let target = self.target.iter().map(|(target, _)| format!("pidfd_open({})", target.name()));
        target.chain(self.files.iter().map(|(kind, file)| match file {
            JoinFile::Path(path) => {
                format!("open({:?}), a {kind} namespace", path.to_string_lossy())
            }
            JoinFile::Open(_) => format!("ioctl(NS_GET_NSTYPE) of a {kind} namespace"),
        }))
    }

    /// What else is opened, or read.
    pub(super) fn describe_following(&self) -> impl Iterator<Item = String> {
        let FromTarget { root, cgroup, privileges } = self.from_target;
        let root = root.then_some("open(root of the target); open(cwd of the target)");
        let cgroup = cgroup.then_some("open(cgroup.procs of the target's cgroups)");
        let privileges = privileges.then_some("open(status of the target)");
        let all = root.into_iter().chain(cgroup).chain(privileges);
        all.map(ToOwned::to_owned)
    }

    /// The move into the target's cgroups.
    pub(super) fn describe_cgroups(&self) -> Option<String> {
        self.from_target.cgroup.then(|| "write(cgroup.procs, child)".to_owned())
    }

    /// What the child gives up, to have no more than the target.
    pub(super) fn describe_limits(&self) -> impl Iterator<Item = String> {
        let calls = [
            "prctl(PR_SET_NO_NEW_PRIVS), if the target has it",
            "prctl(PR_CAPBSET_DROP, what the target lacks)",
            "capset(what the target has)",
        ];
        calls.map(ToOwned::to_owned).into_iter().filter(|_| self.from_target.privileges)
    }

    /// The child's way to the target's directories.
    pub(super) fn describe_root(&self) -> impl Iterator<Item = String> {
        let calls = ["fchdir(root)", r#"chroot(".")"#, "fchdir(cwd)"].map(ToOwned::to_owned);
        calls.into_iter().filter(|_| self.from_target.root)
    }

    /// The joins; what the caller is in already is left out by the start. Whether a target is a `usual` one is
    /// looked at from inside.
    pub(super) fn describe(&self, usual: bool) -> impl Iterator<Item = String> {
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
