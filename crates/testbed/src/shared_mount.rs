//! A mount with shared propagation.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount,
};

/// A tmpfs with shared propagation, unmounted and removed on drop. Below a private `/` a mount that should
/// not propagate would not be noticed.
///
/// For [`Role::Root`](crate::Role::Root) and [`Role::Nested`](crate::Role::Nested), which have a new mount
/// namespace.
#[derive(Debug)]
pub struct SharedMount {
    path: PathBuf,
}

impl SharedMount {
    /// Mounts it in the temporary directory.
    ///
    /// # Panics
    /// The role may not mount.
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("ns-testbed-shared-{}", std::process::id()));
        fs::create_dir_all(&path).expect("create the mount point");
        mount("ns-testbed", &path, "tmpfs", MountFlags::empty(), None).expect("mount tmpfs");
        mount_change(&path, MountPropagationFlags::SHARED).expect("make it shared");
        Self { path }
    }

    /// The mount point.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Default for SharedMount {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for SharedMount {
    fn drop(&mut self) {
        let unmounted = unmount(&self.path, UnmountFlags::DETACH);
        let removed = fs::remove_dir(&self.path);
        if !std::thread::panicking() {
            unmounted.expect("unmount");
            removed.expect("remove the mount point");
        }
    }
}
