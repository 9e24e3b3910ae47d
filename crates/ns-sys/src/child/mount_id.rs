//! Unique mount IDs, which the kernel never reuses.
#![allow(unsafe_code, reason = "system calls that write into memory")]

use core::ffi::CStr;
use core::mem::{MaybeUninit, size_of};

use linux_raw_sys::general::{
    __NR_statmount, __NR_statx, AT_FDCWD, STATMOUNT_SB_BASIC, STATX_MNT_ID_UNIQUE,
    statmount as StatMount, statx as Statx,
};

use crate::arch::syscall;
use crate::{Errno, Result};

/// `statx(AT_FDCWD, path, 0, STATX_MNT_ID_UNIQUE, …)` — get the unique ID of the mount that contains
/// `path`.
///
/// No other mount ever gets the same ID.
///
/// # Errors
/// - `EOPNOTSUPP`: before Linux 6.8.
/// - `ENOSYS`: before Linux 4.11, or a seccomp filter hides the call.
/// - `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`: errors of the path.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 6.8.
///
/// # Examples
/// ```
/// use ns_sys::child::mount_id;
///
/// assert_eq!(mount_id(c"/"), mount_id(c"/."));
/// assert_ne!(mount_id(c"/"), mount_id(c"/proc"));
/// ```
///
/// # References
/// statx(2); fs/stat.c.
pub fn mount_id(path: &CStr) -> Result<u64> {
    let mut stat = MaybeUninit::<Statx>::uninit();
    let arguments = [
        AT_FDCWD as usize,
        path.as_ptr().expose_provenance(),
        0,
        STATX_MNT_ID_UNIQUE as usize,
        stat.as_mut_ptr().expose_provenance(),
    ];
    // SAFETY: the struct has the kernel's layout; the string and the struct outlive the call.
    unsafe { syscall(__NR_statx, arguments) }?;
    // SAFETY: the kernel has written the whole struct.
    let stat = unsafe { stat.assume_init() };
    let has_id = stat.stx_mask & STATX_MNT_ID_UNIQUE != 0;
    if has_id { Ok(stat.stx_mnt_id) } else { Err(Errno::OPNOTSUPP) }
}

/// `statmount(id)` — whether the caller's mount namespace contains the mount with this [`mount_id`].
///
/// # Errors
/// - `EPERM`: the mount exists, but it is not reachable from the root and the caller lacks
///   `CAP_SYS_ADMIN` over the namespace; or a seccomp filter hides the call.
/// - `ENOSYS`: before Linux 6.8, or a seccomp filter hides the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 6.8.
///
/// # Examples
/// ```
/// use ns_sys::child::{has_mount, mount_id};
///
/// let root = mount_id(c"/")?;
/// assert!(has_mount(root)?);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// statmount(2); fs/namespace.c.
pub fn has_mount(id: u64) -> Result<bool> {
    let request = MountRequest {
        size: size_of::<MountRequest>() as u32,
        spare: 0,
        mnt_id: id,
        param: STATMOUNT_SB_BASIC.into(),
    };
    let mut stat = MaybeUninit::<StatMount>::uninit();
    let arguments = [
        (&raw const request).expose_provenance(),
        stat.as_mut_ptr().expose_provenance(),
        size_of::<StatMount>(),
        0,
    ];
    // SAFETY: both structs have the given sizes and outlive the call.
    match unsafe { syscall(__NR_statmount, arguments) } {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// `struct mnt_id_req` of include/uapi/linux/mount.h, in its first version.
#[repr(C)]
struct MountRequest {
    size: u32,
    spare: u32,
    mnt_id: u64,
    param: u64,
}
