//! A mount that propagates, on machines where `/` does not.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount,
};

/// A tmpfs with shared propagation: on a private `/` a leaking mount would not show.
///
/// For [`Role::Root`](crate::Role::Root) and [`Role::Nested`](crate::Role::Nested) with a mount
/// namespace of its own; unmounted and removed on drop.
#[derive(Debug)]
pub struct SharedMount {
    path: PathBuf,
}

impl SharedMount {
    /// Mounts it below the temporary folder.
    ///
    /// # Panics
    /// When the role may not mount.
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("ns-testbed-shared-{}", std::process::id()));
        fs::create_dir_all(&path).expect("create the mount point");
        mount("ns-testbed", &path, "tmpfs", MountFlags::empty(), None).expect("mount tmpfs");
        mount_change(&path, MountPropagationFlags::SHARED).expect("make it shared");
        Self { path }
    }

    /// Where it is mounted.
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
