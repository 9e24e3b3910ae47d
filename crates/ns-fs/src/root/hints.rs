//! Hints: what to do about an error.

use std::prelude::rust_2024::*;

use ns_sys::Errno;

use crate::{Mount, MountAttrs};

/// The kernel creates no file for a process whose IDs have no mapping in the user namespace of the mount.
const UNMAPPED: &str = "no user is mapped, so no file can be created there";

pub(super) fn source(mount: &Mount, errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::NOENT => "it does not exist; create it, or make the mount optional",
        Errno::NOTDIR => {
            "a part of the path is not a directory, or a layer of an overlay is not a directory"
        }
        Errno::ACCESS => {
            "the process may not search its path; a caller with CAP_SYS_ADMIN can pass a Tree"
        }
        Errno::INVAL if !mount.is_recursive() => {
            "it has inherited mounts below it; in a user namespace, bind it recursively"
        }
        Errno::INVAL => "its mount is unbindable",
        Errno::PERM => "needs CAP_SYS_ADMIN over the mount namespace",
        Errno::STALE => "the path leads to another file than the one that the caller opened",
        Errno::NOSYS if mount.is_bytes() => "a mount of bytes needs Linux 6.15",
        Errno::NODEV => "it is not the device with these numbers, or does not exist",
        _ => return None,
    })
}

pub(super) fn target(mount: &Mount, errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::NOENT if mount.creates_target() => {
            "its path contains a symbolic link whose target does not exist in the new root"
        }
        Errno::NOENT if mount.is_change() => "there is no such mount point",
        Errno::NOENT => "create it, or let the mount create it with create()",
        Errno::ACCESS if mount.creates_target() => {
            "it does not exist and the process may not create it, or its path may not be searched"
        }
        Errno::ACCESS => "the process may not search its path",
        Errno::NOTDIR => "a part of its path is not a directory",
        Errno::BUSY => "it leads to the root itself; only the first mount may become the root",
        Errno::XDEV => {
            "a symbolic link leads into a proc(5), or the proc(5) or sysfs(5) that should be there is not"
        }
        Errno::LOOP if mount.refuses_links() => "its path may contain no symbolic link",
        Errno::LOOP => {
            "magic links of proc(5) are not followed; before Linux 5.6, no symbolic link is followed"
        }
        Errno::ROFS => "it does not exist, and its file system is read-only",
        Errno::OVERFLOW => UNMAPPED,
        _ => return None,
    })
}

pub(super) fn mount(mount: &Mount, errno: Errno) -> Option<&'static str> {
    Some(match (errno, mount.fs_type()) {
        (Errno::NOTDIR, None) => "the source is a directory, but the target is not",
        (Errno::ISDIR, _) => "the target is a directory, but the source is not",
        (Errno::PERM, Some(b"proc")) => {
            "needs a new pid namespace, because another user namespace owns the caller's; and no mount may hide a \
             part of the caller's /proc"
        }
        (Errno::PERM, Some(b"sysfs")) => {
            "needs a new net namespace, because another user namespace owns the caller's"
        }
        (Errno::PERM, Some(b"mqueue")) => {
            "needs a new ipc namespace, because another user namespace owns the caller's"
        }
        (Errno::PERM, Some(b"cgroup2")) => {
            "needs a new cgroup namespace, because another user namespace owns the caller's"
        }
        (Errno::PERM, Some(_)) => {
            "needs CAP_SYS_ADMIN over the mount namespace, and a file system that a user namespace may mount"
        }
        (Errno::PERM, None) if mount.clears() => {
            "a user namespace may not clear inherited attributes"
        }
        (Errno::PERM, None) => "needs CAP_SYS_ADMIN over the mount namespace",
        (Errno::INVAL, Some(b"overlay")) => {
            "upper and work directory must be on one file system with extended attributes, outside the \
             lower ones; the kernel log names the reason"
        }
        (Errno::INVAL, Some(_)) => "the file system refused an option; the kernel log may name it",
        (Errno::INVAL, None) if mount.is_change() => "it is not a mount point",
        (Errno::NODEV, _) => "this kernel has no such file system",
        (Errno::BUSY, Some(_)) => "the file system is already mounted there",
        (Errno::OVERFLOW, _) => UNMAPPED,
        (Errno::EXIST, _) => "another file has this name",
        (Errno::NAMETOOLONG, _) if mount.copies_up() => "directories are nested more than 32 deep",
        (Errno::NOSPC, _) if mount.copies_up() => "the copy is larger than the new file system",
        (Errno::ACCESS, _) if mount.copies_up() => "a file in the target may not be read",
        (Errno::STALE, _) if mount.copies_up() => "another process replaced a file in the target",
        (Errno::NOSYS, _) => missing_call(mount),
        (Errno::ACCESS, Some(_)) if mount.has_device() => {
            "the device is read-only: make the mount read_only()"
        }
        (Errno::ACCESS, None) if mount.creates_entry() => {
            "the process may not create files in this directory"
        }
        (Errno::TOOBIG, _) => {
            "before Linux 6.15, the paths of all layers together may have 4095 bytes"
        }
        _ => return None,
    })
}

/// The system call that the kernel lacks, or that a filter refuses.
fn missing_call(mount: &Mount) -> &'static str {
    if mount.copies_up() {
        "copy_up needs Linux 5.2"
    } else if mount.has_tmpfs() {
        "an overlay with a tmpfs needs Linux 6.15"
    } else if mount.changes_tree() {
        "needs mount_setattr(2), Linux 5.12, for the mounts below, and move_mount(2), Linux 5.2"
    } else if mount.sets(MountAttrs::NOSYMFOLLOW) {
        "NOSYMFOLLOW needs Linux 5.10, and move_mount(2), Linux 5.2"
    } else if mount.is_change() {
        "needs fspick(2), Linux 5.2"
    } else {
        "needs move_mount(2), Linux 5.2"
    }
}

pub(super) fn namespace(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::PERM => "needs CAP_SYS_ADMIN; a new user namespace gives it",
        Errno::NOSPC => "the limit in /proc/sys/user/max_mnt_namespaces is reached",
        _ => return None,
    })
}

pub(super) fn propagation(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::INVAL => Some("it is not a mount point, as after chroot(2)"),
        _ => privilege(errno),
    }
}

pub(super) fn open_root(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::NOENT => Some("it does not exist"),
        Errno::NOTDIR => Some("it, or a part of its path, is not a directory"),
        Errno::ACCESS => Some("the process may not search its path"),
        Errno::INVAL => Some("its mount is unbindable"),
        _ => privilege(errno),
    }
}

/// `is_private` is whether the plan has set the propagation type of all mounts.
pub(super) fn pivot_root(errno: Errno, is_private: bool) -> Option<&'static str> {
    match errno {
        Errno::INVAL if is_private => Some(
            "the current root is the initial ramfs, which pivot_root(2) cannot leave: use Root::chroot",
        ),
        Errno::INVAL => Some("a mount is shared: set its propagation, or let the plan do it"),
        _ => privilege(errno),
    }
}

pub(super) fn chroot(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::PERM => Some("needs CAP_SYS_CHROOT; a new user namespace gives it"),
        _ => None,
    }
}

pub(super) fn workdir(errno: Errno, is_created: bool) -> Option<&'static str> {
    Some(match errno {
        Errno::NOENT if is_created => {
            "its path contains a symbolic link whose target does not exist in the new root"
        }
        Errno::NOENT => "create it, or let the plan create it with create()",
        Errno::NOTDIR => "it, or a part of its path, is not a directory",
        Errno::ACCESS => "the process may not search its path, or create it there",
        Errno::XDEV => "it lies outside the root",
        Errno::ROFS => "it does not exist, and its file system is read-only",
        Errno::OVERFLOW => UNMAPPED,
        _ => return None,
    })
}

pub(super) fn privilege(errno: Errno) -> Option<&'static str> {
    (errno == Errno::PERM).then_some("needs CAP_SYS_ADMIN over the mount namespace")
}
