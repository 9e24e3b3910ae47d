//! Root, mounts and working directory.

use std::format;
use std::path::PathBuf;
use std::prelude::rust_2024::*;

use ns_fs::{Description, Mount, Propagation, RootPlan};
use ns_sys::NamespaceFlags;

use crate::builder::Root as Wish;
use crate::in_child;

/// What the child will enter.
#[derive(Debug)]
pub(crate) struct Root {
    plan: Option<RootPlan>,
    /// Whether proc is mounted by its path, because the root stays.
    proc_by_path: bool,
    /// Whether mounts are told how to travel.
    detaches: bool,
    path: Option<PathBuf>,
    /// By the index of each mount.
    targets: Vec<PathBuf>,
    workdir: Option<PathBuf>,
}

impl Root {
    /// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
    pub(super) fn new(config: &Wish, namespaces: NamespaceFlags) -> Result<Self, String> {
        let new_mounts = namespaces.contains(NamespaceFlags::MNT);
        check(config, namespaces)?;
        let proc_by_path = config.mount_proc && config.path.is_none() && config.mounts.is_empty();
        let mut mounts = config.mounts.clone();
        if config.mount_proc && !proc_by_path {
            mounts.push(Mount::proc("/proc"));
        }
        let targets = mounts.iter().map(|mount| mount.target().to_owned()).collect();
        let due = new_mounts || config.path.is_some() || config.workdir.path.is_some();
        let plan = if due { Some(compile(config, mounts, new_mounts)?) } else { None };
        let (path, workdir) = (config.path.clone(), config.workdir.path.clone());
        Ok(Self { plan, proc_by_path, detaches: new_mounts, path, targets, workdir })
    }

    pub(crate) fn child(&self) -> in_child::Root<'_> {
        in_child::Root {
            root: self.plan.as_ref().map(RootPlan::apply_data),
            proc_by_path: self.proc_by_path,
        }
    }

    /// The new root, if there is one.
    pub(crate) fn path(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }

    /// The target of a mount.
    pub(super) fn target(&self, index: u32) -> Option<&PathBuf> {
        self.targets.get(usize::try_from(index).ok()?)
    }

    pub(super) fn workdir(&self) -> Option<&PathBuf> {
        self.workdir.as_ref()
    }

    /// How mounts travel, which is the first of the steps.
    pub(super) fn describe_detaching(&self) -> impl Iterator<Item = String> {
        self.lines().into_iter().take(usize::from(self.detaches))
    }

    pub(super) fn describe(&self) -> impl Iterator<Item = String> {
        let root = self.lines().into_iter().skip(usize::from(self.detaches));
        let proc = r#"mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL)"#;
        root.chain(self.proc_by_path.then(|| proc.to_owned()))
    }

    fn lines(&self) -> Vec<String> {
        let text = self.plan.as_ref().map(RootPlan::describe);
        text.iter().flat_map(Description::lines).map(ToOwned::to_owned).collect()
    }
}

fn check(config: &Wish, namespaces: NamespaceFlags) -> Result<(), String> {
    let own_mounts = namespaces.contains(NamespaceFlags::MNT);
    let own_pids = namespaces.contains(NamespaceFlags::PID);
    let needs = |holds: bool, message: &str| if holds { Ok(()) } else { Err(message.to_owned()) };
    let lacks = match (own_pids, own_mounts) {
        (true, true) => "",
        (true, false) => "mount_proc: needs a new mnt namespace too",
        (false, true) => "mount_proc: needs a new pid namespace too",
        (false, false) => "mount_proc: needs new pid and mnt namespaces",
    };
    needs(!config.mount_proc || lacks.is_empty(), lacks)?;
    needs(config.mounts.is_empty() || own_mounts, "mount: needs a new mnt namespace")?;
    needs(config.propagation.is_none() || own_mounts, "propagation: needs a new mnt namespace")?;
    needs(!config.by_chroot || config.path.is_some(), "by_chroot: needs a rootdir")?;
    let pivots = own_mounts && config.path.is_some() && !config.by_chroot;
    needs(!config.read_only || pivots, "read_only_root: needs a rootdir and a new mnt namespace")?;
    needs(
        !config.workdir.create || config.workdir.path.is_some(),
        "create_workdir: needs a workdir",
    )
}

fn compile(config: &Wish, mounts: Vec<Mount>, new_mounts: bool) -> Result<RootPlan, String> {
    let root = match &config.path {
        Some(path) if new_mounts && !config.by_chroot => ns_fs::Root::pivot(path),
        Some(path) => ns_fs::Root::chroot(path),
        None => ns_fs::Root::current(),
    };
    // A new mount namespace is private: no mount travels between it and the caller's.
    let travel = new_mounts.then(|| config.propagation.unwrap_or(Propagation::Private));
    let root = mounts.into_iter().fold(root, ns_fs::Root::mount).propagation(travel);
    let root = if config.read_only { root.read_only() } else { root };
    RootPlan::new(root, config.workdir.config()).map_err(|error| format!("rootdir: {error}"))
}
