//! `syscall`: number in rax, arguments in rdi rsi rdx r10 r8 r9; rcx and r11 are lost.

use core::arch::asm;
use core::ffi::c_void;

use super::Entry;

/// # Safety
/// The contract of the system call made.
#[inline]
pub(super) unsafe fn syscall(number: usize, args: [usize; 6]) -> isize {
    let returned;
    // SAFETY: the kernel changes rax, rcx and r11 only, besides the memory the call is about.
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
    // SAFETY: the parent comes out at 2 with nothing but rax, rcx and r11 changed. The child's rsp
    // is the top of its own stack; it never comes out, because `entry` does not return.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            // As if called from nowhere: a debugger's walk ends at the frame and return address 0.
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
