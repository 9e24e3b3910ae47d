//! A minimal `/dev`, as mounts and symbolic links.

use std::path::Path;
use std::prelude::rust_2024::*;
use std::vec;

use super::{Kind, Mount};
use crate::attributes::{Changes, MountAttrs};

/// Devices bound from the caller's `/dev`: mknod(2) of a device fails in a user namespace.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Symbolic links: name and target.
const LINKS: [(&str, &str); 5] = [
    ("ptmx", "pts/ptmx"),
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// Returns the tmpfs of `/dev`, followed by what is below it.
pub(super) fn mounts(dev: &Mount) -> Vec<Mount> {
    let target = &dev.target;
    let mut top = dev.changes.of_one();
    let is_read_only = top.set.contains(MountAttrs::RDONLY);
    // A later step makes it read-only, once everything is in it.
    top.set -= MountAttrs::RDONLY;
    let changes = Changes { top, ..Changes::default() };
    let base = Mount { kind: tmpfs(), changes, ..dev.clone() };
    let mut mounts = vec![base];
    mounts.extend(DEVICES.iter().map(|name| device(target, name)));
    mounts.push(Mount::devpts(target.join("pts")).create());
    let shm = Mount::tmpfs(target.join("shm")).noexec().data("mode=1777");
    mounts.push(shm.create());
    mounts.extend(LINKS.iter().map(|(name, to)| Mount::symlink(*to, target.join(name))));
    if is_read_only {
        mounts.push(Mount::remount(target).set(MountAttrs::RDONLY));
    }
    mounts
}

fn tmpfs() -> Kind {
    Kind::New { fs_type: "tmpfs".into(), source: "tmpfs".into() }
}

fn device(dev: &Path, name: &str) -> Mount {
    Mount::bind(Path::new("/dev").join(name), dev.join(name)).nosuid().noexec().create()
}
