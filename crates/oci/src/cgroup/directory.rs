//! An open directory of a cgroup, and the files in it.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, FsWord, Mode, OFlags, fstatfs, mkdirat, openat, unlinkat,
};
use rustix::io::{Errno, read, retry_on_intr, write};

/// The types of statfs(2).
const CGROUP_SUPER_MAGIC: FsWord = 0x0027_e0eb;
pub(super) const CGROUP2_SUPER_MAGIC: FsWord = 0x6367_7270;

const DIRECTORY: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// An open directory of a cgroup. No symbolic link leads to it or is followed in it.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    fd: Arc<OwnedFd>,
    /// For messages.
    path: PathBuf,
}

impl Directory {
    /// Opens a mount point, whose path is the kernel's.
    pub(super) fn mount_point(path: &Path) -> Result<Self> {
        let fd = openat(CWD, path, DIRECTORY - OFlags::NOFOLLOW, Mode::empty());
        let fd = Arc::new(fd.with_context(|| format!("open {}", path.display()))?);
        let opened = Self { fd, path: path.into() };
        opened.check()?;
        Ok(opened)
    }

    /// Fails if another file system is mounted there: writes would limit nothing.
    pub(super) fn check(&self) -> Result<()> {
        let kind = fstatfs(&*self.fd).with_context(|| format!("statfs {}", self.path.display()))?;
        ensure!(
            [CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC].contains(&kind.f_type),
            "{} is no cgroup: another file system is mounted over it; unmount it",
            self.path.display()
        );
        Ok(())
    }

    /// Opens the directory at `below`, which contains names only.
    pub(super) fn descend(&self, below: &Path) -> Result<Self> {
        let mut at = self.clone();
        for name in below {
            at =
                at.child(name).with_context(|| format!("open {}", at.path.join(name).display()))?;
        }
        at.check()?;
        Ok(at)
    }

    pub(super) fn child(&self, name: &OsStr) -> Result<Self, Errno> {
        let fd = Arc::new(openat(&*self.fd, name, DIRECTORY, Mode::empty())?);
        Ok(Self { fd, path: self.path.join(name) })
    }

    pub(super) fn make(&self, name: &OsStr) -> Result<(), Errno> {
        mkdirat(&*self.fd, name, Mode::from_raw_mode(0o755))
    }

    pub(super) fn remove(&self, name: &OsStr) -> Result<(), Errno> {
        unlinkat(&*self.fd, name, AtFlags::REMOVEDIR)
    }

    /// The names of the cgroups below.
    pub(super) fn children(&self) -> Result<Vec<OsString>, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut names = Vec::new();
        for entry in Dir::new(openat(&*self.fd, ".", flags, Mode::empty())?)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if entry.file_type() == FileType::Directory && name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    pub(super) fn open(&self, file: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        openat(&*self.fd, file, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
    }

    /// Writes a value by one write(2), as cgroup files need it.
    pub(super) fn write(&self, file: &str, value: &str) -> Result<(), Errno> {
        let file = self.open(file, OFlags::WRONLY)?;
        retry_on_intr(|| write(&file, value.as_bytes())).map(drop)
    }

    pub(super) fn read(&self, file: &str) -> Result<String, Errno> {
        read_all(&self.open(file, OFlags::RDONLY)?)
    }

    pub(super) fn duplicate(&self) -> Result<OwnedFd> {
        let fd = self.fd.try_clone();
        fd.with_context(|| format!("duplicate the descriptor of {}", self.path.display()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file, for messages.
    pub(super) fn file(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Reads a file of the kernel, with as few calls as it allows.
pub(super) fn read_file(path: &str) -> Result<String> {
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    file.and_then(|file| read_all(&file)).with_context(|| format!("read {path}"))
}

fn read_all(file: &OwnedFd) -> Result<String, Errno> {
    let (mut text, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        match retry_on_intr(|| read(file, &mut buffer))? {
            0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
            count => text.extend_from_slice(&buffer[..count]),
        }
    }
}
