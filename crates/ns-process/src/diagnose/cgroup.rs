//! The cgroup versions, and whether the caller can create cgroups.

use std::format;
use std::fs;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use rustix::fs::{Access, access};

use super::Finding;

const TOPIC: &str = "cgroups";

pub(super) fn layout() -> Finding {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let old = mounted(&mounts, "cgroup").is_some();
    let Some(mount) = mounted(&mounts, "cgroup2") else {
        let detail = if old { "version 1 only" } else { "not mounted" };
        return Finding::new(TOPIC, false, detail)
            .advise("a start into a cgroup needs version 2: mount cgroup2");
    };
    let version = if old { "version 2 beside version 1" } else { "version 2" };
    let own = own(&mount);
    let writable = access(own.join("cgroup.procs"), Access::WRITE_OK).is_ok();
    let right = if writable { "may" } else { "may not" };
    let detail = format!("{version}; the caller {right} write its own, {}", own.display());
    Finding::new(TOPIC, writable, detail).advise(
        "to start into a cgroup, have one delegated: systemd-run --user --scope -p Delegate=yes",
    )
}

/// Where a file system of this type is mounted.
fn mounted(mounts: &str, kind: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        let point = mount.split(' ').nth(4)?;
        (source.split(' ').next() == Some(kind)).then(|| point.into())
    })
}

/// The caller's own cgroup of version 2.
fn own(mount: &Path) -> PathBuf {
    let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let path = text.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    mount.join(path)
}
