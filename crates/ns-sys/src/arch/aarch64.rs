//! `svc 0`: number in x8, arguments in x0 to x5; nothing but x0 is lost, and of SVE's registers what
//! NEON does not have, which no compiled code keeps across a call.

use core::arch::asm;
use core::ffi::c_void;

use super::Entry;

/// # Safety
/// The contract of the system call made.
#[inline]
pub(super) unsafe fn syscall(number: usize, args: [usize; 6]) -> isize {
    let returned;
    // SAFETY: the kernel changes x0 only, besides the memory the call is about.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") args[0] => returned,
            in("x1") args[1],
            in("x2") args[2],
            in("x3") args[3],
            in("x4") args[4],
            in("x5") args[5],
            options(nostack),
        );
    }
    returned
}

/// # Safety
/// See [`super::clone_entry`].
#[inline]
pub(super) unsafe fn clone_entry(
    number: usize,
    args: [usize; 5],
    entry: Entry,
    arg: *mut c_void,
) -> isize {
    let returned;
    // SAFETY: the parent comes out at 2 with only x0 changed. The child's sp is the top of its own
    // stack; it never comes out, because `entry` does not return.
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            // As if called from nowhere: a debugger's walk ends at the frame and return address 0.
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x10, sp",
            "and sp, x10, #-16",
            "mov x0, x9",
            "br x16",
            "2:",
            in("x8") number,
            inlateout("x0") args[0] => returned,
            in("x1") args[1],
            in("x2") args[2],
            in("x3") args[3],
            in("x4") args[4],
            in("x9") arg,
            in("x16") entry,
            lateout("x10") _,
        );
    }
    returned
}
