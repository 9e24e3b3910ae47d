//! The files of a process in proc.

use std::format;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::{Errno, Namespace, NamespaceFd};
use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};

use super::info::Member;

/// An open `/proc/PID`. It is empty once the process has exited, also if the process ID is reused.
#[derive(Debug)]
pub(super) struct Process {
    pid: u32,
    dir: OwnedFd,
}

impl Process {
    /// `None` if the process has exited.
    pub(super) fn open(pid: u32) -> Option<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = openat(CWD, format!("/proc/{pid}"), flags, Mode::empty()).ok()?;
        Some(Self { pid, dir })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// The inode of its namespace; `None` if it has exited, or the kernel does not have the kind.
    pub(super) fn namespace_number(&self, kind: Namespace) -> Result<Option<u64>, Errno> {
        match readlinkat(&self.dir, format!("ns/{}", kind.name()), Vec::new()) {
            Ok(link) => Ok(link.to_str().ok().and_then(number)),
            Err(Errno::NOENT | Errno::SRCH) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    pub(super) fn namespace(&self, kind: Namespace) -> Result<NamespaceFd, Errno> {
        self.open_file(format!("ns/{}", kind.name())).and_then(NamespaceFd::new)
    }

    /// Opens the namespace that is bound at `path` in its mount namespace.
    pub(super) fn bound_namespace(&self, path: &Path) -> Result<NamespaceFd, Errno> {
        let path = [b"root", path.as_os_str().as_bytes()].concat();
        self.open_file(path).and_then(NamespaceFd::new)
    }

    /// The text of its mountinfo, empty if it cannot be read.
    pub(super) fn mounts(&self) -> Vec<u8> {
        self.read("mountinfo")
    }

    pub(super) fn member(&self) -> Option<Member> {
        let name = String::from_utf8_lossy(&self.read("comm")).trim_end().to_owned();
        let arguments = self.read("cmdline");
        let words: Vec<_> =
            arguments.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        let command = words.join(" ").trim().to_owned();
        let command = if command.is_empty() { format!("[{name}]") } else { command };
        (!name.is_empty()).then(|| Member { pid: self.pid, uid: self.uid(), command })
    }

    /// The effective user ID.
    fn uid(&self) -> Option<u32> {
        let status = self.read("status");
        let status = String::from_utf8_lossy(&status);
        let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        uids.split_ascii_whitespace().nth(1)?.parse().ok()
    }

    fn read(&self, path: &str) -> Vec<u8> {
        let mut text = Vec::new();
        let file = self.open_file(path);
        let _ = file.map(|file| File::from(file).read_to_end(&mut text));
        text
    }

    fn open_file(&self, path: impl rustix::path::Arg) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        openat(&self.dir, path, flags, Mode::empty())
    }
}

/// The inode in a link such as `uts:[4026531838]`.
fn number(link: &str) -> Option<u64> {
    link.split_once(":[")?.1.strip_suffix(']')?.parse().ok()
}
