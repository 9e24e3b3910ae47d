//! Root, mounts, working directory and descriptors.

use std::format;
use std::prelude::rust_2024::*;

use ns_fs::{FdPlan, Mount, Propagation, Root, RootPlan, Workdir};
use ns_sys::{CloneFlags, NamespaceFlags};

use crate::builder::FileSystem as Wish;

/// What the child will enter and find open.
#[derive(Debug)]
pub(crate) struct FileSystem {
    pub(crate) root: Option<RootPlan>,
    pub(crate) fds: FdPlan,
}

impl FileSystem {
    /// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
    pub(super) fn new(wish: &Wish, flags: CloneFlags) -> Result<Self, String> {
        let mut descriptors = wish.descriptors.clone();
        if flags.contains(CloneFlags::FILES) {
            // Those that would be closed are the caller's own.
            descriptors.close_rest(false);
        }
        let fds = FdPlan::new(&descriptors).map_err(|error| error.to_string())?;
        let namespaces = NamespaceFlags::from_bits_truncate(flags.bits());
        Ok(Self { root: root(wish, namespaces)?, fds })
    }

    pub(super) fn describe_root(&self) -> impl Iterator<Item = String> {
        let lines: Vec<String> =
            self.root.iter().flat_map(|root| lines(&root.describe())).collect();
        lines.into_iter()
    }
}

/// A new mount namespace is private: no mount travels between it and the caller's.
fn root(wish: &Wish, namespaces: NamespaceFlags) -> Result<Option<RootPlan>, String> {
    if !namespaces.contains(NamespaceFlags::MNT) {
        return Ok(None);
    }
    let mut root = Root::current().propagation(Propagation::Private);
    if wish.mount_proc {
        root = root.mount(Mount::proc("/proc"));
    }
    let plan = RootPlan::new(root, Workdir::default());
    plan.map(Some).map_err(|error| format!("root: {error}"))
}

fn lines(description: &ns_fs::Description) -> Vec<String> {
    description.lines().map(ToOwned::to_owned).collect()
}
