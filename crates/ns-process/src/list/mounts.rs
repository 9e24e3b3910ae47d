//! Namespaces that are bound to files.

use std::path::PathBuf;
use std::str;

use ns_sys::{Namespace, NamespaceId};
use rustix::fs::makedev;

use crate::mountinfo::{self, Mount};

/// A namespace bound to a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) kind: Namespace,
    pub(super) id: NamespaceId,
    pub(super) path: PathBuf,
}

/// The namespaces in a mountinfo text.
pub(super) fn bound(text: &[u8]) -> impl Iterator<Item = Bound> {
    mountinfo::mounts(text).filter(|mount| mount.kind == b"nsfs").filter_map(of_mount)
}

/// The root field of such a mount has the form of the links in `/proc/PID/ns`.
fn of_mount(mount: Mount<'_>) -> Option<Bound> {
    let (major, minor) = str::from_utf8(mount.device).ok()?.split_once(':')?;
    let dev = makedev(major.parse().ok()?, minor.parse().ok()?);
    let root = mount.root();
    let (kind, number) = root.to_str()?.split_once(":[")?;
    let ino = number.strip_suffix(']')?.parse().ok()?;
    Some(Bound { kind: kind.parse().ok()?, id: NamespaceId { dev, ino }, path: mount.path() })
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
        let path = PathBuf::from("/run/ns/a b");
        assert_eq!(found.next(), Some(Bound { kind: Namespace::Net, id, path }));
        assert_eq!(found.next(), None);
    }
}
