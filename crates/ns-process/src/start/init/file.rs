//! The file that pid 1 executes: the caller's, or the built-in one, without a name and kept open for all
//! starts.

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
use crate::start::kept_file::{KeptFile, above};
use crate::step::Step;

/// The sealed file, one for all starts.
static KEPT: KeptFile = KeptFile::new();

/// The file, above the number of the status, and what it is called.
pub(super) fn open(plan: &Plan, init: &Init) -> Result<(Arc<OwnedFd>, CString), Error> {
    let Some(path) = init.get_path() else {
        let file = builtin().map_err(|errno| unmade(plan, errno))?;
        return Ok((file, c"init".to_owned()));
    };
    let file = at(path).map_err(|errno| unopened(plan, path, errno))?;
    let name = path.file_name().unwrap_or_default();
    let name = CString::new(name.as_bytes()).unwrap_or_default();
    Ok((Arc::new(file), name))
}

/// Whoever runs it can reach the file as `/proc/1/exe`. Before Linux 6.3 nothing keeps its owner, which the root
/// of a container may be, from changing its mode: then each start has a file of its own.
fn builtin() -> Result<Arc<OwnedFd>, Errno> {
    match KEPT.get(|| make(SealFlags::EXEC)) {
        Err(Errno::INVAL) => make(SealFlags::empty()).map(Arc::new),
        kept => kept,
    }
}

fn make(seal: SealFlags) -> Result<OwnedFd, Errno> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = match memfd_create(c"init", flags | MemfdFlags::EXEC) {
        // Before Linux 6.3 every such file can be executed.
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

/// What cannot be executed is refused before there is a program that would be killed for it.
fn at(path: &Path) -> Result<OwnedFd, Errno> {
    let file = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let mode = fstat(&file)?.st_mode;
    let anybody = Mode::XUSR | Mode::XGRP | Mode::XOTH;
    if !FileType::from_raw_mode(mode).is_file() || !Mode::from_raw_mode(mode).intersects(anybody) {
        return Err(Errno::ACCESS);
    }
    above_status(&file)
}

/// With something between both, so that what is closed there is a range.
fn above_status(file: &OwnedFd) -> Result<OwnedFd, Errno> {
    above(file, STATUS + 2)
}

fn unmade(plan: &Plan, errno: Errno) -> Error {
    let why = match errno {
        Errno::ACCESS => Some("vm.memfd_noexec is 2: give an init by Init::path"),
        errno => hint::for_descriptors(errno),
    };
    let error = Error::new(&plan.name, Step::Prepare).with_errno(errno);
    error.with_object("the file of the built-in init").with_hint(why)
}

fn unopened(plan: &Plan, path: &Path, errno: Errno) -> Error {
    let why = match errno {
        Errno::ACCESS => Some("no file that can be executed"),
        errno => hint::for_descriptors(errno),
    };
    let error = Error::new(&plan.name, Step::Prepare).with_errno(errno);
    error.with_object(path.display().to_string()).with_hint(why)
}
