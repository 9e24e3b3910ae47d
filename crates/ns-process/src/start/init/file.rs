//! The file that pid 1 executes: the caller's, or the built-in one.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::Errno;
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};

use super::executable;
use crate::error::Error;
use crate::hint;
use crate::in_child::STATUS;
use crate::plan::Plan;
use crate::settings::Init;
use crate::start::cached_file::above;
use crate::start::program_file;
use crate::step::Step;

/// Opens the file, above the descriptor of the status. Also returns its name, for `argv[0]`.
pub(super) fn open(plan: &Plan, init: &Init) -> Result<(OwnedFd, CString), Error> {
    let Some(path) = init.get_path() else {
        let file = builtin().map_err(|errno| memfd_error(plan, errno))?;
        return Ok((file, c"init".to_owned()));
    };
    let file = open_path(path).map_err(|errno| open_error(plan, path, errno))?;
    let name = path.file_name().unwrap_or_default();
    let name = CString::new(name.as_bytes()).unwrap_or_default();
    Ok((file, name))
}

fn builtin() -> Result<OwnedFd, Errno> {
    above_status(&program_file::make(c"init", &executable())?)
}

/// Opens the caller's init. A file that is not executable is refused here, before there is a
/// program that would be killed with its init.
fn open_path(path: &Path) -> Result<OwnedFd, Errno> {
    let file = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let mode = fstat(&file)?.st_mode;
    let anybody = Mode::XUSR | Mode::XGRP | Mode::XOTH;
    if !FileType::from_raw_mode(mode).is_file() || !Mode::from_raw_mode(mode).intersects(anybody) {
        return Err(Errno::ACCESS);
    }
    above_status(&file)
}

/// Moves the file above the descriptor of the status, with a free number between them, so that the
/// range to close between them is not empty.
fn above_status(file: &OwnedFd) -> Result<OwnedFd, Errno> {
    above(file, STATUS + 2)
}

fn memfd_error(plan: &Plan, errno: Errno) -> Error {
    let hint = match errno {
        Errno::ACCESS => {
            Some("vm.memfd_noexec is 2, and TMPDIR is noexec: give an init by Init::path")
        }
        errno => hint::for_program_file(errno),
    };
    let error = Error::new(&plan.name, Step::Prepare).with_errno(errno);
    error.with_object("the file of the built-in init").with_hint(hint)
}

fn open_error(plan: &Plan, path: &Path, errno: Errno) -> Error {
    let hint = match errno {
        Errno::ACCESS => Some("not an executable file"),
        errno => hint::for_descriptors(errno),
    };
    let error = Error::new(&plan.name, Step::Prepare).with_errno(errno);
    error.with_object(path.display().to_string()).with_hint(hint)
}
