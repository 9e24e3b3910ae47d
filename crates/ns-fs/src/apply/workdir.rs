//! The working directory, checked to lie inside the root.

use core::ffi::CStr;

use ns_sys::child::{self, Mode, OFlags};
use ns_sys::fd::AsFd;
use ns_sys::{Errno, Result};

use super::handle::{CWD, open_path};
use super::path_buffer::{PATH_MAX, PathBuffer};
use crate::{Step, StepError};

/// `chdir(path)`, `getcwd()` — changes the working directory, and checks that it lies inside the root: a
/// path through `/proc/PID/fd` can lead out.
///
/// With `create`, missing directories are created, each after its parent was checked.
///
/// # Errors
/// [`Step::Workdir`]; the working directory is then `/`:
/// - `EXDEV`: the directory lies outside the root.
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`: the path cannot be resolved.
/// - `EROFS`, `EOVERFLOW`: the directory cannot be created.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.36.
///
/// # Examples
/// ```
/// use ns_fs::apply;
///
/// apply::workdir(c"/usr", false)?;
/// assert_eq!(std::env::current_dir().unwrap().to_str(), Some("/usr"));
/// # Ok::<(), ns_fs::StepError>(())
/// ```
///
/// # References
/// chdir(2), getcwd(2); fs/d_path.c.
pub fn workdir(path: &CStr, create: bool) -> core::result::Result<(), StepError> {
    let changed = if create { create_and_enter(path) } else { enter(path) };
    changed.map_err(|errno| {
        // A caller that ignores the error must not continue outside the root.
        let _ = child::chdir(c"/");
        StepError { step: Step::Workdir, errno }
    })
}

// Not inlined, because its buffer would enlarge the stack frame of every start: each new page of it is a page fault.
#[inline(never)]
fn enter(path: &CStr) -> Result<()> {
    child::chdir(path)?;
    let mut buffer = [0; PATH_MAX];
    let is_inside = match child::getcwd(&mut buffer) {
        Ok(path) => path.to_bytes().starts_with(b"/"),
        // The path is longer than the kernel can return.
        Err(Errno::NAMETOOLONG) => is_below_root()?,
        Err(errno) => return Err(errno),
    };
    if is_inside { Ok(()) } else { Err(Errno::XDEV) }
}

/// Whether `..` leads from the working directory to the root.
fn is_below_root() -> Result<bool> {
    let root = child::file_id(open_path(CWD, c"/", OFlags::DIRECTORY)?.as_fd())?;
    let mut at = open_path(CWD, c".", OFlags::DIRECTORY)?;
    let mut id = child::file_id(at.as_fd())?;
    for _ in 0..MAX_DEPTH {
        if id == root {
            return Ok(true);
        }
        at = open_path(at.as_fd(), c"..", OFlags::DIRECTORY)?;
        let parent = child::file_id(at.as_fd())?;
        if parent == id {
            return Ok(false);
        }
        id = parent;
    }
    Err(Errno::NAMETOOLONG)
}

/// The number of directories above the working directory that are looked at.
const MAX_DEPTH: u32 = 1 << 16;

#[inline(never)]
fn create_and_enter(path: &CStr) -> Result<()> {
    // Checks the start of the path before anything is created; a relative one may start outside.
    enter(if path.to_bytes().starts_with(b"/") { c"/" } else { c"." })?;
    let mut buffer = PathBuffer::new(path)?;
    while let Some(name) = buffer.next_name() {
        if !name.is_empty() {
            enter_or_create(name)?;
        }
    }
    Ok(())
}

fn enter_or_create(name: &CStr) -> Result<()> {
    match enter(name) {
        Err(Errno::NOENT) => {
            child::mkdirat(CWD, name, Mode::from_bits_truncate(0o755))?;
            enter(name)
        }
        other => other,
    }
}
