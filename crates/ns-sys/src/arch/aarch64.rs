//! `svc 0`: the number is in x8, the arguments in x0 to x5. The kernel overwrites x0 and the SVE state
//! that is not part of NEON. Compiled code keeps no value in that state across a call.

use core::arch::asm;
use core::ffi::c_void;

use super::Entry;

/// # Safety
/// The arguments must satisfy the contract of the system call.
#[inline]
pub(super) unsafe fn syscall(number: usize, args: [usize; 6]) -> isize {
    let returned;
    // SAFETY: the kernel changes x0 and the memory that the call concerns, nothing else.
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
    // SAFETY: the parent continues at label 2 with only x0 changed. In the child sp is the top of its
    // own stack. The child never leaves this block, because `entry` does not return.
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            // A zero frame pointer and return address end a debugger's backtrace.
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
