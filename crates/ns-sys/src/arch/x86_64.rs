//! `syscall`: the number is in rax, the arguments in rdi, rsi, rdx, r10, r8 and r9. The kernel
//! overwrites rcx and r11.

use core::arch::asm;
use core::ffi::c_void;

use super::Entry;

/// # Safety
/// The arguments must satisfy the contract of the system call.
#[inline]
pub(super) unsafe fn syscall(number: usize, args: [usize; 6]) -> isize {
    let returned;
    // SAFETY: the kernel changes rax, rcx, r11 and the memory that the call concerns, nothing else.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => returned,
            in("rdi") args[0],
            in("rsi") args[1],
            in("rdx") args[2],
            in("r10") args[3],
            in("r8") args[4],
            in("r9") args[5],
            lateout("rcx") _,
            lateout("r11") _,
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
    // SAFETY: the parent continues at label 2 with only rax, rcx and r11 changed. In the child rsp is
    // the top of its own stack. The child never leaves this block, because `entry` does not return.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            // A zero frame pointer and return address end a debugger's backtrace.
            "xor ebp, ebp",
            "and rsp, -16",
            "push 0",
            "mov rdi, r12",
            "jmp r9",
            "2:",
            inlateout("rax") number => returned,
            in("rdi") args[0],
            in("rsi") args[1],
            in("rdx") args[2],
            in("r10") args[3],
            in("r8") args[4],
            in("r9") entry,
            in("r12") arg,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    returned
}
