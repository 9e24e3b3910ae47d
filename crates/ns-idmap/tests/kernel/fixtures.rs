//! Files and mounts that exist for the duration of a test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ns_idmap::{Helper, IdKind};
use ns_testbed::USER;
use rustix::mount::{UnmountFlags, mount_bind, unmount};

/// A directory with mode 0777, removed on drop.
#[derive(Debug)]
pub(crate) struct TestDir(PathBuf);

impl TestDir {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ns-idmap-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("create the directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("chmod");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("write the file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
        path
    }

    /// A shell script in place of newuidmap and newgidmap.
    pub(crate) fn helper<K: IdKind>(&self, name: &str, body: &str) -> Helper<K> {
        let script = self.file(name, &format!("#!/bin/sh\n{body}\n"));
        Helper::at(script).expect("an absolute path")
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("remove the directory");
    }
}

/// A mount, unmounted on drop.
#[derive(Debug)]
pub(crate) struct MountGuard(PathBuf);

impl MountGuard {
    pub(crate) fn bind(source: &Path, target: impl Into<PathBuf>) -> Self {
        let target = target.into();
        mount_bind(source, &target).expect("bind mount");
        Self(target)
    }

    /// Takes over a mount that the caller has made.
    pub(crate) fn adopt(target: impl Into<PathBuf>) -> Self {
        Self(target.into())
    }
}

impl Drop for MountGuard {
    fn drop(&mut self) {
        unmount(&self.0, UnmountFlags::DETACH).expect("unmount");
    }
}

/// Test versions of `/etc/passwd`, `/etc/subuid` and `/etc/subgid`, mounted over the real files.
#[derive(Debug)]
pub(crate) struct EtcFiles {
    _mounts: [MountGuard; 3],
    _dir: TestDir,
}

impl EtcFiles {
    /// Adds a user `tester`, with the second name `alias`, whose user and group ID are [`USER`].
    /// `None` if one of the files does not exist.
    pub(crate) fn mount(subuid: &str, subgid: &str) -> Option<Self> {
        let dir = TestDir::new("etc");
        let passwd = format!(
            "root:x:0:0::/:/bin/sh\ntester:x:{USER}:{USER}::/:/bin/sh\nalias:x:{USER}:{USER}::/:\n"
        );
        let files = [("passwd", passwd.as_str()), ("subuid", subuid), ("subgid", subgid)];
        let etc = Path::new("/etc");
        if files.iter().any(|(name, _)| !etc.join(name).exists()) {
            return None;
        }
        let mount = |(name, text)| MountGuard::bind(&dir.file(name, text), etc.join(name));
        Some(Self { _mounts: files.map(mount), _dir: dir })
    }
}

pub(crate) fn has_helpers() -> bool {
    ["/usr/bin/newuidmap", "/usr/bin/newgidmap"].iter().all(|path| Path::new(path).exists())
}

/// Mounts [`EtcFiles`], or skips the test.
macro_rules! etc_files {
    ($subuid:expr, $subgid:expr) => {
        match $crate::fixtures::EtcFiles::mount($subuid, $subgid) {
            Some(files) => files,
            None => ns_testbed::skip!("needs /etc/passwd, /etc/subuid and /etc/subgid"),
        }
    };
}

/// Skips the test unless newuidmap and newgidmap are installed.
macro_rules! needs_helpers {
    () => {
        if !$crate::fixtures::has_helpers() {
            ns_testbed::skip!("needs newuidmap and newgidmap");
        }
    };
}

pub(crate) use {etc_files, needs_helpers};
