//! The namespaces in which a plan is applied.

use core::ffi::CStr;

use ns_sys::child::{self, OFlags};
use ns_sys::fd::AsFd;
use ns_sys::{UnshareFlags, unshare};

use super::handle::{CWD, open_path};
use crate::{Step, StepError};

/// `NSFS_MAGIC` of include/uapi/linux/magic.h.
const NSFS_MAGIC: u64 = 0x6e73_6673;

/// `PROC_USER_INIT_INO` of include/linux/proc_ns.h: the inode number of the initial user namespace.
const USER_INIT_INO: u64 = 0xefff_fffd;

/// The identity of the present mount namespace; `None` if there is no `/proc`.
pub(crate) fn mount_namespace() -> Option<u64> {
    inode(c"/proc/self/ns/mnt")
}

fn inode(path: &CStr) -> Option<u64> {
    let namespace = open_path(CWD, path, OFlags::empty()).ok()?;
    // A directory that only looks like /proc could name any file.
    let is_namespace = child::fstatfs(namespace.as_fd()).ok()?.magic == NSFS_MAGIC;
    Some(child::file_id(namespace.as_fd()).ok()?.inode).filter(|_| is_namespace)
}

/// `unshare(CLONE_NEWNS)`, unless the present mount namespace is known to be another one than `callers`.
pub(crate) fn own_namespace(callers: Option<u64>) -> Result<(), StepError> {
    if let (Some(present), Some(callers)) = (mount_namespace(), callers) {
        if present != callers {
            return Ok(());
        }
    }
    unshare(UnshareFlags::NEWNS).map_err(Step::Namespace.failed())
}

/// Whether the process is in another user namespace than the initial one; false if there is no `/proc`.
pub(super) fn is_in_user_namespace() -> bool {
    inode(c"/proc/self/ns/user").is_some_and(|inode| inode != USER_INIT_INO)
}
