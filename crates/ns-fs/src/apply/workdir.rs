//! The working directory, proven to lie inside the root.

use core::ffi::CStr;

use ns_sys::child::{self, Mode};
use ns_sys::{Errno, Result};

use super::here;
use super::path_buffer::PathBuffer;
use crate::{Step, StepError};

/// The longest path that getcwd(2) gives, with the NUL.
const PATH_MAX: usize = 4096;

/// `chdir(path)`, `getcwd()` — goes to a directory, and sees that it lies inside the root: through
/// `/proc/PID/fd` a path leads out.
///
/// With `create`, directories that are missing are made, each after its parent was seen to lie
/// inside.
///
/// # Errors
/// [`Step::Workdir`]; the working directory is `/` then:
/// - `EXDEV`: it lies outside the root.
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`: of the path.
/// - `EROFS`, `EOVERFLOW`: it cannot be made there.
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
    let gone = if create { make_and_go(path) } else { go(path) };
    gone.map_err(|errno| {
        // Nobody goes on from outside, also where the error is not looked at.
        let _ = child::chdir(c"/");
        StepError { step: Step::Workdir, errno }
    })
}

fn go(path: &CStr) -> Result<()> {
    child::chdir(path)?;
    let mut buffer = [0; PATH_MAX];
    match child::getcwd(&mut buffer)?.to_bytes() {
        [b'/', ..] => Ok(()),
        _ => Err(Errno::XDEV),
    }
}

fn make_and_go(path: &CStr) -> Result<()> {
    // Proven before anything is made, also where a relative path begins.
    go(if path.to_bytes().starts_with(b"/") { c"/" } else { c"." })?;
    let mut buffer = PathBuffer::new(path)?;
    while let Some(name) = buffer.next_name() {
        if !name.is_empty() {
            make_and_enter(name)?;
        }
    }
    Ok(())
}

fn make_and_enter(name: &CStr) -> Result<()> {
    match go(name) {
        Err(Errno::NOENT) => {
            child::mkdirat(here(), name, Mode::from_bits_truncate(0o755))?;
            go(name)
        }
        other => other,
    }
}
