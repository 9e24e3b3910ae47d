//! `ecall`: number in a7, arguments in a0 to a5; nothing but a0 is lost.

use core::arch::asm;
use core::ffi::c_void;

use super::Entry;

/// # Safety
/// The contract of the system call made.
#[inline]
pub(super) unsafe fn syscall(number: usize, args: [usize; 6]) -> isize {
    let returned;
    // SAFETY: the kernel changes a0 only, besides the memory the call is about.
    unsafe {
        asm!(
            "ecall",
            in("a7") number,
            inlateout("a0") args[0] => returned,
            in("a1") args[1],
            in("a2") args[2],
            in("a3") args[3],
            in("a4") args[4],
            in("a5") args[5],
            options(nostack),
        );
    }
    returned
}

/// # Safety
/// See [`super::clone3_entry`].
#[inline]
pub(super) unsafe fn clone3_entry(
    number: usize,
    args: *const c_void,
    size: usize,
    entry: Entry,
    arg: *mut c_void,
) -> isize {
    let returned;
    // SAFETY: the parent comes out at 2 with only a0 changed. The child's sp is the top of its own
    // stack; it never comes out, because `entry` does not return.
    unsafe {
        asm!(
            "ecall",
            "bnez a0, 2f",
            // No frame lies above this one: a debugger's walk ends here.
            "li s0, 0",
            "mv a0, a3",
            "jalr ra, a4",
            "unimp",
            "2:",
            in("a7") number,
            inlateout("a0") args.expose_provenance() => returned,
            in("a1") size,
            in("a3") arg,
            in("a4") entry,
        );
    }
    returned
}
