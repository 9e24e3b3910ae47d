//! The directory of a container in one hierarchy.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::directory::Directory;

/// The version of a hierarchy.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    One,
    Two,
}

/// The directory of a container in one hierarchy, or that of the runtime if a new one is denied.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(super) struct Place {
    pub(super) version: Version,
    /// Those of version 1, with `name=` for a hierarchy without controllers.
    pub(super) controllers: Vec<String>,
    pub(super) mount: PathBuf,
    /// The cgroup that is mounted.
    pub(super) root: PathBuf,
    /// The directory, below the mount point.
    pub(super) below: PathBuf,
    /// The cgroup of the runtime, below the mount point.
    own: PathBuf,
    /// The runtime may not make a directory, and needs none: processes stay in the cgroup of the runtime.
    pub(super) denied: bool,
    #[serde(skip)]
    opened: Arc<Mutex<Option<Directory>>>,
}

impl Place {
    pub(super) fn new(
        version: Version,
        controllers: Vec<String>,
        mount: PathBuf,
        root: PathBuf,
        own: PathBuf,
        below: PathBuf,
    ) -> Self {
        let opened = Arc::default();
        Self { version, controllers, mount, root, below, own, denied: false, opened }
    }

    /// Processes stay in the cgroup of the runtime.
    pub(super) fn deny(&mut self) {
        self.denied = true;
        self.below.clone_from(&self.own);
    }

    /// The directory, which is opened once.
    pub(super) fn open(&self) -> Result<Directory> {
        if let Some(directory) = self.cache().clone() {
            return Ok(directory);
        }
        let directory = Directory::mount_point(&self.mount)?.descend(&self.below)?;
        self.keep(Some(&directory));
        Ok(directory)
    }

    /// Sets what `open` returns; after `None` it opens the directory anew.
    pub(super) fn keep(&self, directory: Option<&Directory>) {
        *self.cache() = directory.cloned();
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Option<Directory>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The path of the directory on this machine.
    pub(super) fn path(&self) -> PathBuf {
        self.mount.join(&self.below)
    }

    /// The path of the cgroup, as `/proc/PID/cgroup` shows it.
    pub(super) fn group(&self) -> PathBuf {
        self.root.join(&self.below)
    }

    /// The directory above, and the name in it.
    pub(super) fn parent(&self) -> Option<(&Path, &std::ffi::OsStr)> {
        Some((self.below.parent()?, self.below.file_name()?))
    }

    pub(super) fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|name| name == controller)
    }
}
