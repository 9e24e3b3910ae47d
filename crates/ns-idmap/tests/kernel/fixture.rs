//! Files and mounts that a test needs for its own time.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ns_testbed::USER;
use rustix::mount::{UnmountFlags, mount_bind, unmount};

/// A folder that everybody may enter, removed on drop.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ns-idmap-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("create a folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("open it to all");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("write a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("for all");
        path
    }

    /// A program that stands in for a helper.
    pub(crate) fn script(&self, name: &str, body: &str) -> PathBuf {
        self.file(name, &format!("#!/bin/sh\n{body}\n"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("remove the folder");
    }
}

/// A mount over something, taken away on drop.
#[derive(Debug)]
pub(crate) struct Over(PathBuf);

impl Over {
    pub(crate) fn bind(source: &Path, target: impl Into<PathBuf>) -> Self {
        let target = target.into();
        mount_bind(source, &target).expect("bind");
        Self(target)
    }

    /// What a caller has mounted there.
    pub(crate) fn mounted(target: impl Into<PathBuf>) -> Self {
        Self(target.into())
    }
}

impl Drop for Over {
    fn drop(&mut self) {
        unmount(&self.0, UnmountFlags::DETACH).expect("unmount");
    }
}

/// `/etc/passwd`, `/etc/subuid` and `/etc/subgid` as a test wants them.
#[derive(Debug)]
pub(crate) struct Etc {
    _mounts: [Over; 3],
    _folder: Folder,
}

impl Etc {
    /// With a user `tester` of uid and gid [`USER`]; `None` on a machine without such files.
    pub(crate) fn new(users: &str, groups: &str) -> Option<Self> {
        let folder = Folder::new("etc");
        let passwd = format!(
            "root:x:0:0::/:/bin/sh\ntester:x:{USER}:{USER}::/:/bin/sh\nalias:x:{USER}:{USER}::/:\n"
        );
        let texts = [("passwd", passwd.as_str()), ("subuid", users), ("subgid", groups)];
        let etc = Path::new("/etc");
        if texts.iter().any(|(name, _)| !etc.join(name).exists()) {
            return None;
        }
        let over = |(name, text)| Over::bind(&folder.file(name, text), etc.join(name));
        Some(Self { _mounts: texts.map(over), _folder: folder })
    }
}
