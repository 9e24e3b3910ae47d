//! Resolving and creating paths inside a directory.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::child::FileType;

use crate::apply;

/// `openat2(root, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)` — opens a path as if `root` were
/// the root of the process.
///
/// No symbolic link and no `..` leads out, also while another process renames directories or replaces
/// them by links. The result is an `O_PATH` descriptor: whatever happens to the path afterwards, it refers
/// to this file.
///
/// # Errors
/// - The errors of open(2) for the path.
/// - `ELOOP`: a magic link of proc(5), or too many symbolic links; before Linux 5.6 any symbolic link.
/// - `EXDEV`: before Linux 5.6, the path contains `..`.
/// - `EAGAIN`: renames by other processes kept interfering.
/// - `EINVAL`: the path contains a NUL byte.
///
/// # Async-signal-safety
/// Must not be called between clone and exec: it allocates.
///
/// # Kernel support
/// Linux 5.6; before, name by name, without symbolic links.
///
/// # Examples
/// ```
/// let root = std::fs::File::open("/usr")?;
/// let escape = ns_fs::resolve_in_root(&root, "../../../etc/passwd");
/// assert_eq!(escape.unwrap_err().kind(), std::io::ErrorKind::NotFound);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// openat2(2); fs/namei.c.
pub fn resolve_in_root(root: impl AsFd, path: impl AsRef<Path>) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_ref().as_os_str().as_bytes())?;
    apply::resolve(root.as_fd(), &path)?.as_fd().try_clone_to_owned()
}

/// `mkdirat`, `openat2` … — as [`resolve_in_root`], but creates missing directories on the way, and at the end
/// a missing directory, or an empty file for another `file_type`.
///
/// Modes are 755 and 644, less the umask. A dangling symbolic link is an error.
///
/// # Errors
/// - Those of [`resolve_in_root`]. `ENOENT`: a symbolic link leads nowhere.
/// - `EROFS`, `EACCES`, `ENOSPC`: a directory or file cannot be created.
///
/// # Async-signal-safety
/// Must not be called between clone and exec: it allocates.
///
/// # Kernel support
/// Linux 5.6; before, name by name, without symbolic links.
///
/// # Examples
/// ```
/// use std::fs::{self, File};
///
/// use ns_fs::FileType;
///
/// let directory = std::env::temp_dir().join("make_in_root");
/// # let directory = directory.with_extension(std::process::id().to_string());
/// fs::create_dir(&directory)?;
/// ns_fs::make_in_root(File::open(&directory)?, "/../etc/hosts", FileType::RegularFile)?;
/// assert!(directory.join("etc/hosts").is_file());
/// fs::remove_dir_all(&directory)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// openat2(2), mkdirat(2).
pub fn make_in_root(
    root: impl AsFd,
    path: impl AsRef<Path>,
    file_type: FileType,
) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_ref().as_os_str().as_bytes())?;
    apply::make(root.as_fd(), &path, file_type)?.as_fd().try_clone_to_owned()
}
