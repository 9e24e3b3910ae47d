//! Resolving paths inside the new root before it is the root: no symbolic link leads out.

use core::ffi::CStr;

use ns_sys::child::{self, FileType, Mode, OFlags, ResolveFlags};
use ns_sys::fd::{AsFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::handle::{Handle, open_path};
use super::path_buffer::PathBuffer;

/// The number of attempts when a concurrent rename or mount makes openat2(2) return `EAGAIN`.
const TRIES: u32 = 64;

/// Opens `path` with `O_PATH` as if `root` were the root. Without openat2(2) any symbolic link is an
/// error.
pub(crate) fn resolve(root: BorrowedFd<'_>, path: &CStr) -> Result<Handle> {
    resolve_with(root, path, IN_ROOT)
}

/// No symbolic link leads out.
pub(super) const IN_ROOT: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);

/// Any symbolic link is an error.
pub(super) const NO_LINKS: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_SYMLINKS);

/// As [`resolve`], with other restrictions.
pub(super) fn resolve_with(root: BorrowedFd<'_>, path: &CStr, how: ResolveFlags) -> Result<Handle> {
    let flags = OFlags::PATH.union(OFlags::CLOEXEC);
    for _ in 0..TRIES {
        match child::openat2(root, path, flags, Mode::empty(), how) {
            Err(Errno::AGAIN) => {}
            Err(Errno::NOSYS) => return walk(root, path),
            other => return other.map(Handle::new),
        }
    }
    Err(Errno::AGAIN)
}

/// Resolves one name after the other: `ELOOP` for a symbolic link, `EXDEV` for `..`.
fn walk(root: BorrowedFd<'_>, path: &CStr) -> Result<Handle> {
    let mut buffer = PathBuffer::new(path)?;
    let mut at = open_path(root, c".", OFlags::DIRECTORY)?;
    while let Some(name) = buffer.next_name() {
        at = match name.to_bytes() {
            b"" | b"." => continue,
            b".." => return Err(Errno::XDEV),
            _ => open_path(at.as_fd(), name, OFlags::NOFOLLOW)?,
        };
        if child::readlinkat(at.as_fd(), c"", &mut [0]).is_ok() {
            return Err(Errno::LOOP);
        }
    }
    Ok(at)
}

/// As [`resolve`], but creates missing directories on the way, and a missing `last` at the end: a
/// directory, or else an empty file.
pub(crate) fn make(root: BorrowedFd<'_>, path: &CStr, last: FileType) -> Result<Handle> {
    make_with(root, path, last, IN_ROOT)
}

/// As [`make`], with other restrictions.
pub(super) fn make_with(
    root: BorrowedFd<'_>,
    path: &CStr,
    last: FileType,
    how: ResolveFlags,
) -> Result<Handle> {
    let mut buffer = PathBuffer::new(path)?;
    let mut at = open_path(root, c".", OFlags::DIRECTORY)?;
    while let Some((prefix, name, is_last)) = buffer.next_prefix() {
        if name.is_empty() {
            continue;
        }
        at = match if is_last { Err(Errno::NOENT) } else { resolve_with(root, prefix, how) } {
            Err(Errno::NOENT) => {
                create_at(at.as_fd(), name, if is_last { last } else { FileType::Directory })?;
                resolve_with(root, prefix, how)?
            }
            other => other?,
        };
    }
    Ok(at)
}

/// Creates a directory or an empty file. It is no error if another process creates it first.
fn create_at(dir: BorrowedFd<'_>, name: &CStr, file_type: FileType) -> Result<()> {
    let created = match file_type {
        FileType::Directory => child::mkdirat(dir, name, Mode::from_bits_truncate(0o755)),
        _ => create_file(dir, name, Mode::from_bits_truncate(0o644)).map(drop),
    };
    if created == Err(Errno::EXIST) { Ok(()) } else { created }
}

/// Creates an empty file, open for writing.
pub(super) fn create_file(dir: BorrowedFd<'_>, name: &CStr, mode: Mode) -> Result<Handle> {
    let new = OFlags::CREATE.union(OFlags::EXCL).union(OFlags::WRONLY);
    let flags = new.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);
    child::openat(dir, name, flags, mode).map(Handle::new)
}
