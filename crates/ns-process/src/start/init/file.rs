//! The file that pid 1 executes: the caller's, or the built-in one, which is an unnamed file in
//! memory that all starts share.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::Errno;
use rustix::fs::{
    CWD, FileType, MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, fstat, memfd_create,
    openat,
};
use rustix::io::write;

use super::executable;
use crate::error::Error;
use crate::hint;
use crate::in_child::STATUS;
use crate::plan::Plan;
use crate::settings::Init;
use crate::start::cached_file::{CachedFile, above};
use crate::step::Step;

/// The sealed file of the built-in init, shared by all starts.
static SHARED: CachedFile = CachedFile::new();

/// Opens the file, above the descriptor of the status. Also returns its name, for `argv[0]`.
pub(super) fn open(plan: &Plan, init: &Init) -> Result<(Arc<OwnedFd>, CString), Error> {
    let Some(path) = init.get_path() else {
        let file = builtin().map_err(|errno| memfd_error(plan, errno))?;
        return Ok((file, c"init".to_owned()));
    };
    let file = open_path(path).map_err(|errno| open_error(plan, path, errno))?;
    let name = path.file_name().unwrap_or_default();
    let name = CString::new(name.as_bytes()).unwrap_or_default();
    Ok((Arc::new(file), name))
}

/// A process that runs the file can reach it as `/proc/1/exe`. Before Linux 6.3, no seal keeps its
/// owner, which may be the root of a container, from changing its mode: then each start makes its
/// own file.
fn builtin() -> Result<Arc<OwnedFd>, Errno> {
    match SHARED.get(|| make(SealFlags::EXEC)) {
        Err(Errno::INVAL) => make(SealFlags::empty()).map(Arc::new),
        kept => kept,
    }
}

fn make(seal: SealFlags) -> Result<OwnedFd, Errno> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = match memfd_create(c"init", flags | MemfdFlags::EXEC) {
        // Before Linux 6.3, every memfd is executable.
        Err(Errno::INVAL) => memfd_create(c"init", flags),
        made => made,
    }?;
    let bytes = executable();
    if write(&file, &bytes)? != bytes.len() {
        return Err(Errno::NOSPC);
    }
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(&file, seals | seal)?;
    above_status(&file)
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
        Errno::ACCESS => Some("vm.memfd_noexec is 2: give an init by Init::path"),
        errno => hint::for_descriptors(errno),
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
