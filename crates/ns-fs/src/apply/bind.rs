//! Bind mounts: a tree is cloned, gets its attributes, then is attached to its target.

use core::ffi::CStr;

use ns_sys::child::{self, FileType, MountFlags, MoveMountFlags};
use ns_sys::fd::{AsFd, AsRawFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::attributes::{TreeAttributes, change, remount_tree};
use super::entry::write_new;
use super::fd_path::FdPath;
use super::handle::{CWD, Handle};
use super::in_root::resolve;
use super::mount_step::{Bind, Source, TargetLimit};
use super::new_fs::new_tmpfs;
use super::root::Root;
use super::source::{Opened, Slot, callers_tree, clone_tree};
use super::target::Target;
use crate::{Step, StepError};

/// Opens the source, then the target, so that no target is created for a missing source.
pub(super) fn bind(
    plan: Root<'_>,
    bind: Bind,
    target: Target<'_>,
    slot: Option<&Slot>,
) -> core::result::Result<(), StepError> {
    let opened = match (bind.source, target.limit) {
        // The source is the target itself.
        (Source::InRoot(_), TargetLimit::Below(_)) => {
            let place = target.open()?;
            clone_tree(place.as_fd(), c"", bind.recursive)
        }
        _ => open_source(plan, bind, Some(target.root.as_fd()), slot),
    };
    let opened = opened.map_err(Step::MountSource { mount: target.index, source: 0 }.failed())?;
    let place = target.open_to_cover(|| file_type(opened.as_fd()))?;
    // Nothing is mounted below a file.
    let recursive = bind.recursive
        && is_directory(opened.as_fd())
            .map_err(Step::MountSource { mount: target.index, source: 0 }.failed())?;
    attach(&opened, &place, bind.attributes, recursive, || target.reopen())
        .map_err(Step::Mount(target.index).failed())
}

/// `root` is the new root, in which a [`Source::InRoot`] is resolved.
pub(super) fn open_source<'a>(
    plan: Root<'a>,
    bind: Bind,
    root: Option<BorrowedFd<'_>>,
    slot: Option<&Slot>,
) -> Result<Opened<'a>> {
    if let Some(file) = slot.and_then(Slot::take) {
        return clone_tree(file.as_fd(), c"", bind.recursive);
    }
    match bind.source {
        Source::Path(path) => clone_tree(CWD, plan.strings.get(path), bind.recursive),
        Source::InRoot(path) => {
            let file = resolve(root.unwrap_or(CWD), plan.strings.get(path))?;
            clone_tree(file.as_fd(), c"", bind.recursive)
        }
        Source::NewFile { contents, mode } => new_file(plan.strings.bytes(contents), mode),
        Source::Tree(tree, path) => {
            let tree = *plan.trees.get(tree).ok_or(Errno::BADF)?;
            callers_tree(tree, plan.strings.get(path), bind.recursive)
        }
    }
}

/// Creates a file on a new tmpfs(5). Before Linux 6.15 no part of a detached tree can be cloned.
fn new_file(contents: &[u8], mode: u32) -> Result<Opened<'static>> {
    const NAME: &CStr = c"file";
    let tmpfs = new_tmpfs()?;
    write_new(tmpfs.as_fd(), NAME, contents, mode)?;
    let opened = clone_tree(tmpfs.as_fd(), NAME, false);
    opened.map_err(|errno| if errno == Errno::INVAL { Errno::NOSYS } else { errno })
}

/// Attaches what was opened, with its attributes. `reopen` opens the target once it is covered.
pub(super) fn attach(
    opened: &Opened<'_>,
    target: &Handle,
    attributes: TreeAttributes,
    recursive: bool,
    reopen: impl Fn() -> Result<Handle>,
) -> Result<()> {
    // No remount reaches a whole tree, and a tree is not attached without its attributes.
    let is_tree = recursive && attributes.changes_tree();
    match opened {
        Opened::Callers(tree) => move_to(*tree, target.as_fd()),
        Opened::File(_) if is_tree => Err(Errno::NOSYS),
        Opened::File(file) => {
            bind_by_path(file, target, recursive)?;
            if attributes.is_empty() {
                return Ok(());
            }
            let mounted = reopen()?;
            if !is_same(mounted.as_fd(), file.as_fd())? {
                return Err(Errno::STALE);
            }
            remount_tree(&mounted, attributes, recursive)
        }
        Opened::Tree(tree) => {
            match change(tree.as_fd(), attributes, None, recursive) {
                Err(Errno::NOSYS) if !is_tree => {}
                other => return other.and_then(|()| move_to(tree.as_fd(), target.as_fd())),
            }
            move_to(tree.as_fd(), target.as_fd())?;
            remount_tree(tree, attributes, recursive)
        }
    }
}

/// `move_mount(tree, "", target, "", …)`; `ENOTDIR` or `EISDIR` if only one of both is a directory.
pub(super) fn move_to(tree: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    let flags = flags.union(MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH);
    child::move_mount(tree, c"", target, c"", flags).map_err(|errno| {
        match (errno, is_directory(tree), is_directory(target)) {
            (Errno::INVAL, Ok(true), Ok(false)) => Errno::NOTDIR,
            (Errno::INVAL, Ok(false), Ok(true)) => Errno::ISDIR,
            _ => errno,
        }
    })
}

/// mount(2) takes no descriptor, so both are named by their paths in `/proc`.
fn bind_by_path(file: &Handle, target: &Handle, recursive: bool) -> Result<()> {
    let tree = if recursive { MountFlags::REC } else { MountFlags::empty() };
    let (source, path) = (FdPath::new(file.as_raw_fd()), FdPath::new(target.as_raw_fd()));
    let flags = MountFlags::BIND.union(tree);
    child::mount(Some(source.as_c_str()), path.as_c_str(), None, flags, None)
}

/// Whether both are the same file, on whichever mount.
pub(super) fn is_same(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> Result<bool> {
    let (one, other) = (child::file_id(one)?, child::file_id(other)?);
    Ok((one.device, one.inode) == (other.device, other.inode))
}

fn file_type(file: BorrowedFd<'_>) -> Result<FileType> {
    Ok(if is_directory(file)? { FileType::Directory } else { FileType::RegularFile })
}

/// True if statx(2) is missing.
pub(super) fn is_directory(file: BorrowedFd<'_>) -> Result<bool> {
    match child::file_id(file) {
        Err(Errno::NOSYS) => Ok(true),
        id => Ok(id?.file_type == FileType::Directory),
    }
}
