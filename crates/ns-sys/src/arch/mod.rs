//! The system call instruction, and the switch to the child's stack after clone.
//!
//! This is assembly because libc's wrappers store the error in the thread-local `errno`. A child that
//! shares memory with its parent also shares that variable. Here the error stays in a register.
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

/// The function in which a child on a new stack starts.
pub(crate) type Entry = unsafe extern "C" fn(*mut c_void) -> !;

/// The largest errno. A system call returns it negated (`MAX_ERRNO` of include/linux/err.h).
const MAX_ERRNO: isize = 4095;

/// Make system call `number`.
///
/// # Safety
/// The arguments must satisfy the contract of that call.
#[inline]
pub(crate) unsafe fn syscall<const N: usize>(
    number: u32,
    args: [usize; N],
) -> Result<usize, Errno> {
    const { assert!(N <= 6, "a system call takes six arguments") };
    let mut all = [0; 6];
    all[..N].copy_from_slice(&args);
    // SAFETY: the caller upholds the contract of this call.
    decode(unsafe { imp::syscall(number as usize, all) })
}

/// Make system call `number`, clone or clone3. The child runs `entry(arg)` on the stack that the
/// arguments name.
///
/// # Safety
/// As for [`crate::clone::clone3_entry`]. The arguments must be valid for that call and name a stack
/// that is not null.
#[inline]
pub(crate) unsafe fn clone_entry<const N: usize>(
    number: u32,
    args: [usize; N],
    entry: Entry,
    arg: *mut c_void,
) -> Result<usize, Errno> {
    const { assert!(N <= 5, "clone and clone3 take at most five arguments") };
    let mut all = [0; 5];
    all[..N].copy_from_slice(&args);
    // SAFETY: the caller upholds the contract of this call.
    decode(unsafe { imp::clone_entry(number as usize, all, entry, arg) })
}

fn decode(returned: isize) -> Result<usize, Errno> {
    if (-MAX_ERRNO..0).contains(&returned) {
        return Err(Errno::from_raw_os_error(-returned as i32));
    }
    Ok(returned as usize)
}
