//! Mounts that no mount namespace lists.

use std::format;
use std::fs;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::prelude::rust_2024::*;

use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, mount_change};

use crate::Propagation;
use crate::apply::change_attributes;
use crate::attributes::{Change, Changes};

/// Sets the propagation type of all mounts of a detached tree.
pub(super) fn isolate(tree: BorrowedFd<'_>, to: Propagation) -> Result<(), (&'static str, Errno)> {
    let changes = Changes { all: Change::propagation(to), ..Changes::default() };
    match change_attributes(tree, changes.compile(true), None, true) {
        // Before Linux 5.12 mount(2) takes a detached tree.
        Err(Errno::NOSYS) => {
            let path = format!("/proc/self/fd/{}", tree.as_raw_fd());
            let flags = to.flag() | MountPropagationFlags::REC;
            mount_change(path, flags).map_err(|errno| ("mount", errno))
        }
        other => other.map_err(|errno| ("mount_setattr", errno)),
    }
}

/// Whether mountinfo lists the mount of a file; true if `/proc` cannot be read.
pub(super) fn is_listed(file: BorrowedFd<'_>) -> bool {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd()));
    let Ok(info) = info else { return true };
    let id = info.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(str::trim);
    let Ok(mounts) = fs::read_to_string("/proc/self/mountinfo") else { return true };
    mounts.lines().any(|line| line.split(' ').next() == id)
}
