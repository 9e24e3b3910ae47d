//! A minimal `/dev`, as mounts and symbolic links.

use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::child::MountFlags;

use super::settings::{Kind, Mount, NO_PROGRAMS};

/// Devices bound from the caller's `/dev`: mknod(2) of a device fails in a user namespace.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Symbolic links: name and target.
pub(super) const LINKS: [(&str, &str); 5] = [
    ("ptmx", "pts/ptmx"),
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// Returns the tmpfs of `/dev`, followed by the mounts below it.
pub(super) fn mounts(dev: &Mount) -> Vec<Mount> {
    // A later step makes it read-only, once everything is in it.
    let base = Mount { flags: dev.flags - MountFlags::RDONLY, ..dev.clone() };
    let devices = DEVICES.iter().map(|name| device(&dev.target, name));
    let shm = Mount::new(dev.target.join("shm"), Kind::New("tmpfs"), NO_PROGRAMS);
    let shm = shm.data("mode=1777").create();
    let pts = Mount::devpts(dev.target.join("pts")).create();
    [base].into_iter().chain(devices).chain([pts, shm]).collect()
}

fn device(dev: &Path, name: &str) -> Mount {
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    let bind = Mount::bind(Path::new("/dev").join(name), dev.join(name)).create();
    Mount { flags, ..bind }
}
