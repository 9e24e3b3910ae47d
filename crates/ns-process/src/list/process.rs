//! What the files of a process in proc show about its namespaces.

use std::format;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;
use std::str;

use ns_sys::{Errno, Namespace, NamespaceFd, NamespaceId};
use rustix::fs::{Mode, OFlags, makedev, openat, readlinkat};

use super::info::Member;
use crate::mountinfo::{self, Mount};
use crate::proc_dir::{ProcDir, field};

impl ProcDir {
    /// The inode of its namespace; `None` if it has exited, or the kernel does not have the kind.
    pub(super) fn namespace_number(&self, kind: Namespace) -> Result<Option<u64>, Errno> {
        match readlinkat(self, format!("ns/{}", kind.name()), Vec::new()) {
            Ok(link) => Ok(link.to_str().ok().and_then(parse).map(|(_, number)| number)),
            Err(Errno::NOENT | Errno::SRCH) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Opens the namespace `number` that is bound at `path` in its mount namespace; `None` if it cannot be opened, or
    /// another mount covers the file, or has replaced it since.
    pub(super) fn bound_namespace(&self, path: &Path, number: u64) -> Option<NamespaceFd> {
        let path = [b"root", path.as_os_str().as_bytes()].concat();
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = openat(self, path, flags, Mode::empty()).and_then(NamespaceFd::new).ok()?;
        opened.id().is_ok_and(|id| id.ino == number).then_some(opened)
    }

    pub(super) fn member(&self) -> Option<Member> {
        let name = String::from_utf8_lossy(&self.bytes("comm")).trim_end().to_owned();
        let arguments = self.bytes("cmdline");
        let words: Vec<_> =
            arguments.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        let command = words.join(" ").trim().to_owned();
        let command = if command.is_empty() { format!("[{name}]") } else { command };
        (!name.is_empty()).then(|| Member { pid: self.pid(), uid: self.uid(), command })
    }

    /// The effective user ID.
    fn uid(&self) -> Option<u32> {
        let status = self.bytes("status");
        let status = String::from_utf8_lossy(&status);
        let uids = field(&status, "Uid")?;
        uids.split_ascii_whitespace().nth(1)?.parse().ok()
    }

    /// The content of one of its files, empty if it cannot be read.
    pub(super) fn bytes(&self, path: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let file = self.open_file(path, OFlags::RDONLY);
        let _ = file.map(|file| File::from(file).read_to_end(&mut bytes));
        bytes
    }
}

/// The namespaces bound to files in a mountinfo text, with their mount points.
pub(super) fn bound(mountinfo: &[u8]) -> impl Iterator<Item = (Namespace, NamespaceId, PathBuf)> {
    mountinfo::mounts(mountinfo).filter(|mount| mount.kind == b"nsfs").filter_map(of_mount)
}

/// The root field of such a mount has the form of the links in `/proc/PID/ns`.
fn of_mount(mount: Mount<'_>) -> Option<(Namespace, NamespaceId, PathBuf)> {
    let (major, minor) = str::from_utf8(mount.device).ok()?.split_once(':')?;
    let dev = makedev(major.parse().ok()?, minor.parse().ok()?);
    let root = mount.root();
    let (kind, ino) = parse(root.to_str()?)?;
    Some((kind.parse().ok()?, NamespaceId { dev, ino }, mount.path()))
}

/// The name of the kind and the inode in a link such as `uts:[4026531838]`.
fn parse(link: &str) -> Option<(&str, u64)> {
    let (kind, number) = link.split_once(":[")?;
    Some((kind, number.strip_suffix(']')?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_found_among_mounts() {
        let text = b"22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
            36 22 0:4 net:[4026532272] /run/ns/a\\040b rw shared:9 master:2 - nsfs nsfs rw\n\
            38 22 0:4 what:[8] /run/what rw - nsfs nsfs rw\n\
            39 22 0:4 / /run/what rw - nsfs nsfs rw\n";
        let mut found = bound(text);
        let id = NamespaceId { dev: makedev(0, 4), ino: 4_026_532_272 };
        assert_eq!(found.next(), Some((Namespace::Net, id, PathBuf::from("/run/ns/a b"))));
        assert_eq!(found.next(), None);
    }
}
