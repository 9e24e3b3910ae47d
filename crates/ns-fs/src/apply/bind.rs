//! Bind mounts: a tree is cloned, gets its attributes, then is attached to its target.

use core::ffi::CStr;

use ns_sys::child::{self, MountFlags, MoveMountFlags, OpenTreeFlags};
use ns_sys::fd::{AsFd, AsRawFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::attributes::{remount_fd, set_attributes};
use super::fd_path::FdPath;
use super::handle::{CWD, Handle};
use super::in_root::resolve;
use super::mount_step::{Mount, MountKind};

/// Does nothing for another kind of mount.
pub(super) fn bind(root: BorrowedFd<'_>, target: &Handle, mount: Mount<'_>) -> Result<()> {
    let MountKind::Bind { source, recursive, attributes } = mount.kind else { return Ok(()) };
    match child::open_tree(CWD, source, tree_flags(recursive)) {
        Ok(tree) => attach(&Handle::new(tree), target, recursive, attributes),
        // No remount reaches a whole tree, and a tree is not attached without its attributes.
        Err(Errno::NOSYS) if recursive && attributes != 0 => Err(Errno::NOSYS),
        Err(Errno::NOSYS) => {
            bind_by_path(target, source, recursive)?;
            // `target` is now covered by the new mount, whose root is needed.
            let mounted = resolve(root, mount.target)?;
            if attributes == 0 { Ok(()) } else { remount_fd(&mounted, attributes) }
        }
        Err(errno) => Err(errno),
    }
}

fn tree_flags(recursive: bool) -> OpenTreeFlags {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE.union(OpenTreeFlags::OPEN_TREE_CLOEXEC);
    if recursive { flags.union(OpenTreeFlags::AT_RECURSIVE) } else { flags }
}

fn attach(tree: &Handle, target: &Handle, recursive: bool, attributes: u64) -> Result<()> {
    let set = match attributes {
        0 => Ok(()),
        _ => set_attributes(tree.as_fd(), c"", attributes, recursive),
    };
    if !matches!(set, Ok(()) | Err(Errno::NOSYS)) || recursive && set.is_err() {
        return set;
    }
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    let flags = flags.union(MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH);
    child::move_mount(tree.as_fd(), c"", target.as_fd(), c"", flags)?;
    set.or_else(|_| remount_fd(tree, attributes))
}

/// mount(2) takes no descriptor, so the target is named by its path in `/proc`.
fn bind_by_path(target: &Handle, source: &CStr, recursive: bool) -> Result<()> {
    let tree = if recursive { MountFlags::REC } else { MountFlags::empty() };
    let path = FdPath::new(target.as_raw_fd());
    child::mount(Some(source), path.as_c_str(), None, MountFlags::BIND.union(tree), None)
}
