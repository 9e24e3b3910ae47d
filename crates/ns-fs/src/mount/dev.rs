//! A minimal `/dev`, as mounts and links.

use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::child::MountFlags;

use super::{CLOSED, Kind, Mount};

/// Bound from the caller's: a user namespace may make no device.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Name, and where it leads.
pub(super) const LINKS: [(&str, &str); 5] = [
    ("ptmx", "pts/ptmx"),
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// The file system itself, and what is mounted on it.
pub(super) fn mounts(dev: &Mount) -> Vec<Mount> {
    // Read-only at the end, when everything is in it.
    let flags = dev.flags - MountFlags::RDONLY;
    let base = Mount { kind: Kind::New("tmpfs"), flags, ..dev.clone() };
    let devices = DEVICES.iter().map(|name| device(&dev.target, name));
    let shm = Mount::new(dev.target.join("shm"), Kind::New("tmpfs"), CLOSED).data("mode=1777");
    let own = [Mount::devpts(dev.target.join("pts")).create(), shm.create()];
    [base].into_iter().chain(devices).chain(own).collect()
}

fn device(dev: &Path, name: &str) -> Mount {
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    let bind = Mount::bind(Path::new("/dev").join(name), dev.join(name)).create();
    Mount { flags, ..bind }
}
