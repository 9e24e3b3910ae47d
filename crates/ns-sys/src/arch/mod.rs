//! The system call instruction, and the only jump onto another stack.
//!
//! Own assembly, because a child that shares its creator's memory also shares the thread-local
//! `errno` that libc's wrappers write: here the error stays in the register.
#![allow(unsafe_code, reason = "the system call instruction itself")]

use core::ffi::c_void;

use rustix::io::Errno;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "riscv64")]
mod riscv64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
use aarch64 as imp;
#[cfg(target_arch = "riscv64")]
use riscv64 as imp;
#[cfg(target_arch = "x86_64")]
use x86_64 as imp;

#[cfg(not(any(target_arch = "aarch64", target_arch = "riscv64", target_arch = "x86_64")))]
compile_error!("ns-sys has no system call assembly for this architecture yet");

/// Where a child with a stack of its own begins.
pub(crate) type Entry = unsafe extern "C" fn(*mut c_void) -> !;

/// The largest errno that a system call returns, negated (`MAX_ERRNO` of include/linux/err.h).
const MAX_ERRNO: isize = 4095;

/// Makes system call `number`.
///
/// # Safety
/// The call's own contract, for these arguments.
#[inline]
pub(crate) unsafe fn syscall<const N: usize>(
    number: u32,
    args: [usize; N],
) -> Result<usize, Errno> {
    const { assert!(N <= 6, "a system call takes six arguments") };
    let mut all = [0; 6];
    all[..N].copy_from_slice(&args);
    // SAFETY: the caller keeps the contract of this call.
    decode(unsafe { imp::syscall(number as usize, all) })
}

/// Makes system call `number`, a form of clone, for a child that starts in `entry(arg)` on the stack
/// given in the arguments.
///
/// # Safety
/// As [`crate::clone::clone3_entry`]; the arguments are valid ones of that call, with a stack that is
/// not null.
#[inline]
pub(crate) unsafe fn clone_entry<const N: usize>(
    number: u32,
    args: [usize; N],
    entry: Entry,
    arg: *mut c_void,
) -> Result<usize, Errno> {
    const { assert!(N <= 5, "no form of clone takes more") };
    let mut all = [0; 5];
    all[..N].copy_from_slice(&args);
    // SAFETY: the caller keeps the contract of this call.
    decode(unsafe { imp::clone_entry(number as usize, all, entry, arg) })
}

fn decode(returned: isize) -> Result<usize, Errno> {
    if (-MAX_ERRNO..0).contains(&returned) {
        return Err(Errno::from_raw_os_error(-returned as i32));
    }
    Ok(returned as usize)
}
