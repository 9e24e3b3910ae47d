//! The checked root: its plan of `ns_fs`, its view for the child, and its lines of `describe`.

use std::error::Error as _;
use std::format;
use std::path::PathBuf;
use std::prelude::rust_2024::*;

use ns_fs::{
    Description, Explanation, Mount, OpenTrees, Propagation, RootError, RootPlan, StepError,
    Workdir,
};
use ns_sys::NamespaceFlags;

use super::root::{RootConfig, check};
use crate::in_child;

/// The root and the working directory that the child sets.
#[derive(Debug)]
pub(crate) struct Root {
    plan: Option<Box<RootPlan>>,
    /// Whether proc is mounted by its path, because the root does not change.
    proc_by_path: bool,
    /// Whether the first step sets the propagation type.
    sets_propagation: bool,
    /// The new root, if it is a directory of the caller.
    pub(crate) path: Option<PathBuf>,
    /// Whether the new root is a mount, which the caller cannot inspect.
    pub(crate) is_mount: bool,
    pub(crate) workdir: Option<PathBuf>,
}

impl Root {
    /// Checks the configuration; an error begins with the name of the setter. `has_hooks`: programs act on the new root
    /// before it is the root.
    pub(crate) fn new(
        config: &RootConfig,
        namespaces: NamespaceFlags,
        has_hooks: bool,
    ) -> Result<Self, String> {
        let new_mounts = namespaces.contains(NamespaceFlags::MNT);
        check(config, namespaces)?;
        let unchanged = config.path.is_none() && config.mounts.is_empty() && !config.host;
        let proc_by_path = config.mount_proc && unchanged;
        let is_mount = config.has_root_mount();
        let needs_plan = new_mounts || config.path.is_some() || config.workdir.is_some();
        let mounts = || config.all_mounts(proc_by_path);
        let plan =
            needs_plan.then(|| compile(config, mounts(), (new_mounts, has_hooks))).transpose()?;
        let path = config.path.clone().filter(|_| !is_mount);
        let workdir = config.workdir.clone();
        Ok(Self { plan, proc_by_path, sets_propagation: new_mounts, path, is_mount, workdir })
    }

    /// Opens the trees for one child.
    pub(crate) fn open_trees(&self) -> Result<Option<OpenTrees>, String> {
        let opened = self.plan.as_ref().map(|plan| plan.open_trees()).transpose();
        opened.map_err(|error| format!("mount: {}", chain(&error)))
    }

    pub(crate) fn child<'a>(&'a self, trees: Option<&'a OpenTrees>) -> in_child::Root<'a> {
        let root = self.plan.as_ref().map(|plan| match trees {
            Some(trees) => plan.apply_data_with(trees),
            None => plan.apply_data(),
        });
        in_child::Root { root, proc_by_path: self.proc_by_path }
    }

    /// The path that an error of the child is about, and what to do.
    pub(crate) fn explain(&self, error: &StepError) -> Option<Explanation> {
        self.plan.as_ref().map(|plan| plan.explain(error))
    }

    /// The call that sets the propagation type, which is the first step.
    pub(crate) fn describe_detaching(&self) -> impl Iterator<Item = String> {
        let mounts = self.lines(RootPlan::describe_mounts).into_iter();
        mounts.take(usize::from(self.sets_propagation))
    }

    /// The mounts, and the calls that open the new root.
    pub(crate) fn describe_mounts(&self) -> impl Iterator<Item = String> {
        let mounts = self.lines(RootPlan::describe_mounts).into_iter();
        mounts.skip(usize::from(self.sets_propagation))
    }

    pub(crate) fn describe(&self) -> impl Iterator<Item = String> {
        let root = self.lines(RootPlan::describe_entering).into_iter();
        let proc = r#"mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL)"#;
        root.chain(self.proc_by_path.then(|| proc.to_owned()))
    }

    fn lines(&self, describe: impl Fn(&RootPlan) -> Description) -> Vec<String> {
        let text = self.plan.as_ref().map(|plan| describe(plan));
        text.iter().flat_map(Description::lines).map(ToOwned::to_owned).collect()
    }
}

fn compile(
    config: &RootConfig,
    mounts: Vec<Mount>,
    (new_mounts, has_hooks): (bool, bool),
) -> Result<Box<RootPlan>, String> {
    let root = match &config.path {
        Some(path) if new_mounts && config.by_chroot => ns_fs::Root::pivot(path).covering(),
        Some(path) if new_mounts => ns_fs::Root::pivot(path),
        Some(path) => ns_fs::Root::chroot(path),
        None => ns_fs::Root::current(),
    };
    // By default no mount propagates between a new mount namespace and the caller's.
    let propagation = new_mounts.then(|| config.propagation.unwrap_or(Propagation::Private));
    let root = root.mounts(mounts).propagation(propagation).in_own_namespace();
    let root = if config.read_only { root.read_only() } else { root };
    let root = if has_hooks { root.in_place() } else { root };
    let workdir = config.workdir.as_ref().map(Workdir::new).unwrap_or_default();
    let workdir = if config.create_workdir { workdir.create() } else { workdir };
    let plan = RootPlan::new(root, workdir).map(Box::new);
    plan.map_err(|error| format!("{}: {}", setter(&error), chain(&error)))
}

/// The error with its cause, such as an errno.
fn chain(error: &RootError) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// The setter of the invalid setting.
fn setter(error: &RootError) -> &'static str {
    match error {
        RootError::Tree(_) | RootError::Option { .. } | RootError::Root { .. } => "mount",
        RootError::Empty { what }
        | RootError::Nul { what, .. }
        | RootError::TooLong { what, .. }
        | RootError::Parent { what, .. } => match what.split(' ').next() {
            Some("mount") => "mount",
            Some("working") => "workdir",
            _ => "rootdir",
        },
        RootError::SharedPivot | RootError::Unbindable => "propagation",
        _ => "rootdir",
    }
}
