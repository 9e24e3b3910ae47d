//! Copies the contents of a directory into a new file system that will cover it.
//!
//! Other processes may rename and replace what is copied meanwhile: each name is opened relative to its open
//! directory, no symbolic link is followed, and the open file decides what is copied.

use core::ffi::CStr;
use core::mem::replace;

use ns_sys::child::{self, FileType, Mode, OFlags, Permissions};
use ns_sys::fd::{AsFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::dirent::entries;
use super::handle::{Handle, open_path};
use super::in_root::create_file;
use super::path_buffer::PATH_MAX;

/// The maximum depth of directories. Each level has two descriptors and a buffer on the stack.
const DEPTH: usize = 32;

/// More than the largest entry: a header of 19 bytes, and a name of 255 with its NUL.
const ENTRIES: usize = 448;

/// A directory that is being copied.
struct Directory {
    from: Handle,
    to: Handle,
    /// Entries that were read.
    buffer: [u8; ENTRIES],
    /// The range of those in the buffer that are not copied yet.
    rest: (usize, usize),
}

/// Copies what the directory `from` contains into the empty directory `to`; also its owner and mode, if
/// `whole`. Devices, FIFOs and sockets are left out.
///
/// # Errors
/// - `ENAMETOOLONG`: directories are nested more than 32 deep.
/// - `ESTALE`: another process replaced a file at the same time.
/// - `EACCES`: a file or directory may not be read.
/// - `ENOSPC`: the new file system is too small.
pub(super) fn copy_up(from: BorrowedFd<'_>, to: BorrowedFd<'_>, whole: bool) -> Result<()> {
    let mut parents: [Option<Directory>; DEPTH] = [const { None }; DEPTH];
    let mut depth = 0_usize;
    let mut current = Directory::open(from, open_path(to, c".", OFlags::DIRECTORY)?)?;
    loop {
        if let Some(below) = current.copy_entries()? {
            let parent = parents.get_mut(depth).ok_or(Errno::NAMETOOLONG)?;
            *parent = Some(replace(&mut current, below));
            depth = depth.saturating_add(1);
            continue;
        }
        // The mode is last: it may forbid to create files.
        if depth > 0 || whole {
            copy_permissions(current.from.as_fd(), current.to.as_fd(), c".", FileType::Directory)?;
        }
        depth = match depth.checked_sub(1) {
            Some(parent) => parent,
            None => return Ok(()),
        };
        let Some(parent) = parents.get_mut(depth).and_then(Option::take) else { return Ok(()) };
        current = parent;
    }
}

impl Directory {
    /// `from` may be an `O_PATH` descriptor.
    fn open(from: BorrowedFd<'_>, to: Handle) -> Result<Self> {
        let flags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
        let from = child::openat(from, c".", flags, Mode::empty()).map(Handle::new)?;
        Ok(Self { from, to, buffer: [0; ENTRIES], rest: (0, 0) })
    }

    /// Copies entries up to the next directory, and returns that directory; `None` at the end.
    fn copy_entries(&mut self) -> Result<Option<Self>> {
        loop {
            let (start, end) = self.rest;
            for (next, name) in entries(self.buffer.get(start..end).unwrap_or_default()) {
                self.rest.0 = end.saturating_sub(next);
                if let Some(below) = self.copy_entry(name)? {
                    return Ok(Some(below));
                }
            }
            self.rest = (0, child::getdents64(self.from.as_fd(), &mut self.buffer)?);
            if self.rest.1 == 0 {
                return Ok(None);
            }
        }
    }

    /// Copies one entry; a directory is created and returned.
    fn copy_entry(&self, name: &CStr) -> Result<Option<Self>> {
        if name == c"." || name == c".." {
            return Ok(None);
        }
        let to = self.to.as_fd();
        let file = match open_path(self.from.as_fd(), name, OFlags::NOFOLLOW) {
            // It was removed since it was listed.
            Err(Errno::NOENT) => return Ok(None),
            other => other?,
        };
        match child::file_id(file.as_fd())?.file_type {
            FileType::Directory => {
                child::mkdirat(to, name, Mode::RWXU)?;
                let copy = open_path(to, name, OFlags::DIRECTORY.union(OFlags::NOFOLLOW))?;
                return Self::open(file.as_fd(), copy).map(Some);
            }
            FileType::Symlink => copy_link(&file, to, name)?,
            FileType::RegularFile => self.copy_file(&file, name)?,
            _ => {}
        }
        Ok(None)
    }

    /// An `O_PATH` descriptor cannot be read, so the name is opened again, and must be the same file.
    fn copy_file(&self, file: &Handle, name: &CStr) -> Result<()> {
        // A FIFO or terminal that has replaced the file must not block.
        let flags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
        let flags = flags.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
        let source = match child::openat(self.from.as_fd(), name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(()),
            Err(Errno::LOOP | Errno::NXIO) => return Err(Errno::STALE),
            other => Handle::new(other?),
        };
        if child::file_id(source.as_fd())? != child::file_id(file.as_fd())? {
            return Err(Errno::STALE);
        }
        let copy = create_file(self.to.as_fd(), name, Mode::RUSR.union(Mode::WUSR))?;
        copy_bytes(source.as_fd(), copy.as_fd())?;
        copy_permissions(source.as_fd(), self.to.as_fd(), name, FileType::RegularFile)
    }
}

fn copy_link(link: &Handle, to: BorrowedFd<'_>, name: &CStr) -> Result<()> {
    let mut target = [0; PATH_MAX];
    let length = child::readlinkat(link.as_fd(), c"", &mut target)?;
    // The last byte is the NUL of a C string.
    let target = target.get(..=length).and_then(|target| CStr::from_bytes_until_nul(target).ok());
    child::symlinkat(target.ok_or(Errno::NAMETOOLONG)?, to, name)?;
    copy_permissions(link.as_fd(), to, name, FileType::Symlink)
}

fn copy_bytes(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<()> {
    let mut buffer = [0; PATH_MAX];
    loop {
        let read = match child::read(from, &mut buffer) {
            Err(Errno::INTR) => continue,
            other => other?,
        };
        let Some(bytes @ [_, ..]) = buffer.get(..read) else { return Ok(()) };
        write_all(to, bytes)?;
    }
}

/// Writes all bytes.
pub(super) fn write_all(file: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match child::write(file, bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// The owner stays the caller where it may not be changed.
fn copy_permissions(
    from: BorrowedFd<'_>,
    dir: BorrowedFd<'_>,
    name: &CStr,
    file_type: FileType,
) -> Result<()> {
    let Permissions { mode, uid, gid } = child::permissions(from)?;
    let mode = match child::fchownat(dir, name, uid, gid) {
        Ok(()) => mode,
        // A program of another owner must not become one with the caller's IDs.
        Err(Errno::PERM | Errno::INVAL) => mode.difference(Mode::SUID.union(Mode::SGID)),
        Err(errno) => return Err(errno),
    };
    if file_type == FileType::Symlink {
        return Ok(());
    }
    child::fchmodat(dir, name, mode)
}
