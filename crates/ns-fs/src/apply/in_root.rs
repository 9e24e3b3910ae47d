//! Paths resolved inside the new root before it is the root: no link there leads out.

use core::ffi::CStr;

use ns_sys::child::{self, Mode, OFlags, ResolveFlags};
use ns_sys::fd::{AsFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::handle::Handle;
use super::open_path::open_path;
use super::path_buffer::PathBuffer;

/// How often a resolution is begun again that a rename or mount disturbed.
const TRIES: u32 = 64;

/// What to make where nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Make {
    Directory,
    File,
}

/// Holds what `path` leads to as if `root` were the root; where openat2(2) is missing, without
/// following any symbolic link.
pub(super) fn resolve(root: BorrowedFd<'_>, path: &CStr) -> Result<Handle> {
    let flags = OFlags::PATH.union(OFlags::CLOEXEC);
    let how = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);
    for _ in 0..TRIES {
        match child::openat2(root, path, flags, Mode::empty(), how) {
            Err(Errno::AGAIN) => {}
            Err(Errno::NOSYS) => return walk(root, path),
            other => return other.map(Handle::new),
        }
    }
    Err(Errno::AGAIN)
}

/// Goes from name to name, and refuses links: `ELOOP`, and `EXDEV` for `..`.
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

/// As [`resolve`]; every directory on the way that is missing is made, and `last` at the end.
pub(super) fn resolve_or_make(root: BorrowedFd<'_>, path: &CStr, last: Make) -> Result<Handle> {
    let mut buffer = PathBuffer::new(path)?;
    let mut at = open_path(root, c".", OFlags::DIRECTORY)?;
    while let Some((prefix, name, is_last)) = buffer.next_prefix() {
        if name.is_empty() {
            continue;
        }
        let make = if is_last { last } else { Make::Directory };
        at = match resolve(root, prefix) {
            Err(Errno::NOENT) => {
                make_at(at.as_fd(), name, make)?;
                resolve(root, prefix)?
            }
            other => other?,
        };
    }
    Ok(at)
}

/// Makes a directory, or an empty file. That another did so first is no error.
fn make_at(dir: BorrowedFd<'_>, name: &CStr, make: Make) -> Result<()> {
    let made = match make {
        Make::Directory => child::mkdirat(dir, name, Mode::from_bits_truncate(0o755)),
        Make::File => make_file(dir, name),
    };
    if made == Err(Errno::EXIST) { Ok(()) } else { made }
}

fn make_file(dir: BorrowedFd<'_>, name: &CStr) -> Result<()> {
    let new = OFlags::CREATE.union(OFlags::EXCL).union(OFlags::WRONLY);
    let flags = new.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);
    child::openat(dir, name, flags, Mode::from_bits_truncate(0o644)).map(|fd| drop(Handle::new(fd)))
}
