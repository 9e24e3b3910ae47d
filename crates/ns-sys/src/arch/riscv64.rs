//! `ecall`: the number is in a7, the arguments in a0 to a5. The kernel overwrites a0 and the vector
//! registers (Documentation/arch/riscv/vector.rst).

use core::arch::asm;
use core::ffi::c_void;

use super::Entry;

/// # Safety
/// The arguments must satisfy the contract of the system call.
#[inline]
pub(super) unsafe fn syscall(number: usize, args: [usize; 6]) -> isize {
    let returned;
    // SAFETY: the kernel changes a0, the vector registers and the memory that the call concerns,
    // nothing else.
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
            lateout("v0") _,
            lateout("v1") _,
            lateout("v2") _,
            lateout("v3") _,
            lateout("v4") _,
            lateout("v5") _,
            lateout("v6") _,
            lateout("v7") _,
            lateout("v8") _,
            lateout("v9") _,
            lateout("v10") _,
            lateout("v11") _,
            lateout("v12") _,
            lateout("v13") _,
            lateout("v14") _,
            lateout("v15") _,
            lateout("v16") _,
            lateout("v17") _,
            lateout("v18") _,
            lateout("v19") _,
            lateout("v20") _,
            lateout("v21") _,
            lateout("v22") _,
            lateout("v23") _,
            lateout("v24") _,
            lateout("v25") _,
            lateout("v26") _,
            lateout("v27") _,
            lateout("v28") _,
            lateout("v29") _,
            lateout("v30") _,
            lateout("v31") _,
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
    // SAFETY: the parent continues at label 2 with only a0 and the vector registers changed. In the
    // child sp is the top of its own stack. The child never leaves this block, because `entry` does
    // not return.
    unsafe {
        asm!(
            "ecall",
            "bnez a0, 2f",
            // A zero frame pointer and return address end a debugger's backtrace.
            "li s0, 0",
            "li ra, 0",
            "andi sp, sp, -16",
            "mv a0, a5",
            "jr a6",
            "2:",
            in("a7") number,
            inlateout("a0") args[0] => returned,
            in("a1") args[1],
            in("a2") args[2],
            in("a3") args[3],
            in("a4") args[4],
            in("a5") arg,
            in("a6") entry,
            lateout("v0") _,
            lateout("v1") _,
            lateout("v2") _,
            lateout("v3") _,
            lateout("v4") _,
            lateout("v5") _,
            lateout("v6") _,
            lateout("v7") _,
            lateout("v8") _,
            lateout("v9") _,
            lateout("v10") _,
            lateout("v11") _,
            lateout("v12") _,
            lateout("v13") _,
            lateout("v14") _,
            lateout("v15") _,
            lateout("v16") _,
            lateout("v17") _,
            lateout("v18") _,
            lateout("v19") _,
            lateout("v20") _,
            lateout("v21") _,
            lateout("v22") _,
            lateout("v23") _,
            lateout("v24") _,
            lateout("v25") _,
            lateout("v26") _,
            lateout("v27") _,
            lateout("v28") _,
            lateout("v29") _,
            lateout("v30") _,
            lateout("v31") _,
        );
    }
    returned
}
