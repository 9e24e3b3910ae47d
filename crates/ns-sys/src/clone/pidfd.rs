//! The same calls with an owned pidfd of the child.
#![allow(unsafe_code, reason = "creates a process, and takes the pidfd that the kernel stored")]

use core::ffi::c_void;
use core::sync::atomic::AtomicI32;

use rustix::fd::{FromRawFd, OwnedFd};

use super::args::CloneArgs;
use super::clone3::{clone3, clone3_entry};
use crate::Result;

/// `clone3(args, size)` with `PIDFD` — as [`clone3`], and return a pidfd of the child; close-on-exec.
///
/// Returns the child's process ID and its pidfd in the parent, and `None` in the child. The pidfd
/// replaces a slot of [`CloneArgs::pidfd`], which is not written.
///
/// # Errors
/// As for [`clone3`]. Also `EMFILE`: the caller has no free descriptor number.
///
/// # Safety
/// As for [`clone3`].
///
/// # Async-signal-safety
/// Not between clone and exec: it returns an owned descriptor.
///
/// # Kernel support
/// Linux 5.3; see [`CloneFlags`](crate::CloneFlags) for each flag.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use ns_sys::{CloneArgs, CloneFlags, WaitFlags, child};
///
/// let args = CloneArgs::new(CloneFlags::NEWUSER);
/// // SAFETY: the child makes one system call.
/// let Some((_pid, pidfd)) = (unsafe { ns_sys::clone3_pidfd(&args) }?) else {
///     child::exit_group(7)
/// };
/// let limit = Duration::from_secs(10);
/// let status = ns_sys::waitid_pidfd_timeout(&pidfd, WaitFlags::ALL, limit)?;
/// assert_eq!(status.expect("it has exited").code(), Some(7));
/// # Ok::<(), ns_sys::Errno>(())
/// ```
///
/// # References
/// clone(2); kernel/fork.c `clone3`.
pub unsafe fn clone3_pidfd(args: &CloneArgs<'_>) -> Result<Option<(u32, OwnedFd)>> {
    let slot = AtomicI32::new(-1);
    let mut args = args.clone();
    args.pidfd(&slot);
    // SAFETY: the caller upholds the contract of `clone3`.
    let Some(pid) = unsafe { clone3(&args) }? else { return Ok(None) };
    // SAFETY: the call succeeded, and only this function has the slot.
    Ok(Some((pid, unsafe { take(slot) })))
}

/// `clone3(args, size)` with `PIDFD` — as [`clone3_entry`], and return a pidfd of the child;
/// close-on-exec.
///
/// The pidfd replaces a slot of [`CloneArgs::pidfd`], which is not written. The pidfd belongs to the
/// caller alone: the kernel stores its number in memory that `entry` has no pointer to.
///
/// # Errors
/// As for [`clone3_entry`]. Also `EMFILE`: the caller has no free descriptor number.
///
/// # Safety
/// As for [`clone3_entry`].
///
/// # Async-signal-safety
/// Not between clone and exec: it returns an owned descriptor.
///
/// # Kernel support
/// Linux 5.3; see [`CloneFlags`](crate::CloneFlags) for each flag.
///
/// # References
/// clone(2); kernel/fork.c `clone3`.
pub unsafe fn clone3_entry_pidfd(
    args: &CloneArgs<'_>,
    entry: unsafe extern "C" fn(*mut c_void) -> !,
    arg: *mut c_void,
) -> Result<(u32, OwnedFd)> {
    let slot = AtomicI32::new(-1);
    let mut args = args.clone();
    args.pidfd(&slot);
    // SAFETY: the caller upholds the contract of `clone3_entry`.
    let pid = unsafe { clone3_entry(&args, entry, arg) }?;
    // SAFETY: the call succeeded, and only this function has the slot.
    Ok((pid, unsafe { take(slot) }))
}

/// Take the pidfd after a call that succeeded. A clone that fails late stores the number of a descriptor
/// that the kernel closes again.
///
/// # Safety
/// The kernel has stored a new pidfd in `slot`, and no other value owns it.
unsafe fn take(slot: AtomicI32) -> OwnedFd {
    // SAFETY: the caller guarantees it.
    unsafe { OwnedFd::from_raw_fd(slot.into_inner()) }
}
