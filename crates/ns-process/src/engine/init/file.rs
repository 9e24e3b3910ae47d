//! The file that pid 1 executes: the caller's, or the built-in one, without a name and kept open for all
//! starts.

use std::ffi::CString;
use std::mem::forget;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::{Arc, Mutex};

use ns_sys::Errno;
use rustix::fs::{
    CWD, FileType, MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, fstat, memfd_create,
    openat,
};
use rustix::io::{fcntl_dupfd_cloexec, write};

use super::executable;
use crate::builder::Init;
use crate::error::Error;
use crate::hint;
use crate::in_child::STATUS;
use crate::plan::Plan;
use crate::step::Step;

/// The file, and what it is known by: a program that closes every descriptor closes this one too, and
/// then its number is another file's.
struct Kept {
    file: Arc<OwnedFd>,
    id: (u64, u64),
}

static KEPT: Mutex<Option<Kept>> = Mutex::new(None);

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

fn builtin() -> Result<Arc<OwnedFd>, Errno> {
    // Held by another start, or by nobody any more where memory was copied meanwhile.
    let Ok(mut kept) = KEPT.try_lock() else { return make().map(Arc::new) };
    match kept.take() {
        Some(known) if id(&known.file) == Ok(known.id) => Ok(Arc::clone(&kept.insert(known).file)),
        strange => {
            // Its number is not this library's to close any more.
            forget(strange);
            let file = Arc::new(make()?);
            let id = id(&file)?;
            Ok(Arc::clone(&kept.insert(Kept { file, id }).file))
        }
    }
}

fn id(file: &OwnedFd) -> Result<(u64, u64), Errno> {
    fstat(file).map(|told| (told.st_dev, told.st_ino))
}

fn make() -> Result<OwnedFd, Errno> {
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
    fcntl_add_seals(&file, seals)?;
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
    fcntl_dupfd_cloexec(file.as_fd(), STATUS + 2).map_err(|errno| match errno {
        // It is not below RLIMIT_NOFILE.
        Errno::INVAL => Errno::MFILE,
        errno => errno,
    })
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
