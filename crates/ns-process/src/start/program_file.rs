//! The unnamed file of a program of this library: in memory, or in a directory if the kernel
//! refuses to execute memory.
//!
//! Each start makes its own. A process that runs the file, or one that shares its user ID, reaches
//! it as `/proc/PID/exe`. No seal keeps such a process from setting an access control list, or from
//! holding the file open for writing: then each later execve(2) of the file fails.

use std::env::temp_dir;
use std::ffi::CStr;
use std::format;
use std::os::fd::{AsRawFd, OwnedFd};
use std::prelude::rust_2024::*;

use ns_sys::Errno;
use rustix::fs::{
    CWD, MemfdFlags, Mode, OFlags, SealFlags, StatVfsMountFlags, fchmod, fcntl_add_seals, fstatvfs,
    memfd_create, openat,
};
use rustix::io::write;

use super::resource_limit::soft_limit;
use crate::resource::Resource;

/// Makes the file, close-on-exec.
///
/// # Errors
/// `EACCES`: the sysctl `vm.memfd_noexec` is 2, and the directory for temporary files does not
/// permit a program either. `EFBIG`: `RLIMIT_FSIZE` is smaller than the file.
pub(crate) fn make(name: &CStr, bytes: &[u8]) -> Result<OwnedFd, Errno> {
    refuse_size(bytes.len())?;
    match in_memory(name, bytes) {
        Err(Errno::ACCESS) => in_directory(bytes),
        made => made,
    }
}

/// A larger file than the limit allows would end the caller by `SIGXFSZ`.
fn refuse_size(size: usize) -> Result<(), Errno> {
    let limit = soft_limit(Resource::Fsize);
    if limit.is_some_and(|limit| limit < size as u64) { Err(Errno::FBIG) } else { Ok(()) }
}

fn in_memory(name: &CStr, bytes: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = match memfd_create(name, flags | MemfdFlags::EXEC) {
        // Before Linux 6.3, every memfd is executable.
        Err(Errno::INVAL) => memfd_create(name, flags),
        made => made,
    }?;
    write_all(&file, bytes)?;
    fcntl_add_seals(
        &file,
        SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
    )?;
    Ok(file)
}

/// The file is opened once more for reading: a file that is open for writing is not executed.
fn in_directory(bytes: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = openat(CWD, temp_dir(), flags, Mode::RWXU).map_err(|_| Errno::ACCESS)?;
    if fstatvfs(&file)?.f_flag.contains(StatVfsMountFlags::NOEXEC) {
        return Err(Errno::ACCESS);
    }
    write_all(&file, bytes)?;
    let everyone = Mode::RUSR | Mode::XUSR | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH;
    fchmod(&file, everyone)?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

fn write_all(file: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
    if write(file, bytes)? == bytes.len() { Ok(()) } else { Err(Errno::NOSPC) }
}
