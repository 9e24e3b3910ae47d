//! clone3(2) with any arguments, to learn whether the kernel accepts them.
#![allow(unsafe_code, reason = "a child that exits in assembly, because it may share the stack")]

use std::ffi::c_void;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// `__WALL`: children of every kind.
const ALL: WaitIdOptions = WaitIdOptions::from_bits_retain(0x4000_0000);

/// Calls clone3(2). The child exits without using the stack, which it may share with the caller.
///
/// # Errors
/// The error of clone3(2); `ENOSYS` on other architectures than x86_64.
///
/// # Safety
/// `args` must point to `size` bytes of a `struct clone_args` with valid pointers. The caller must block all
/// signals, and arrange that a sibling made by `CLONE_PARENT` is reaped.
#[cfg(target_arch = "x86_64")]
pub unsafe fn clone3_leave(args: *const c_void, size: usize) -> Result<Pid, Errno> {
    let returned: isize;
    // SAFETY: in the parent rax, rcx and r11 change, as declared; the child calls exit(0).
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor edi, edi",
            "mov eax, 60",
            "syscall",
            "ud2",
            "2:",
            inlateout("rax") 435_isize => returned,
            in("rdi") args,
            in("rsi") size,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    let number = i32::try_from(returned).unwrap_or_default();
    Pid::from_raw(number.max(0)).ok_or_else(|| Errno::from_raw_os_error(-number))
}

/// Returns `ENOSYS`.
#[cfg(not(target_arch = "x86_64"))]
pub unsafe fn clone3_leave(_args: *const c_void, _size: usize) -> Result<Pid, Errno> {
    Err(Errno::NOSYS)
}

/// Waits until the child of [`clone3_leave`] has exited: a process, or a thread with `CLONE_THREAD`.
///
/// # Panics
/// The child cannot be reaped.
pub fn await_left(pid: Pid, is_thread: bool) {
    if is_thread {
        let task = format!("/proc/self/task/{}", pid.as_raw_nonzero());
        while std::fs::exists(&task).is_ok_and(|yes| yes) {
            std::thread::yield_now();
        }
        return;
    }
    let reaped = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | ALL);
    // An init that shares signal dispositions makes its creator ignore SIGCHLD when it exits, and then the
    // kernel reaps the child (zap_pid_ns_processes).
    assert!(matches!(reaped, Ok(_) | Err(Errno::CHILD)), "reap the child: {reaped:?}");
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn zeros_make_a_child_and_an_unknown_flag_does_not() {
        let mut args = [0_u64; 8];
        let call = |args: &[u64; 8]| {
            // SAFETY: the first version of the struct, without pointers. The child raises no signal.
            unsafe { clone3_leave(args.as_ptr().cast(), size_of_val(args)) }
        };
        await_left(call(&args).expect("a plain child"), false);
        args[0] = 1 << 63;
        assert_eq!(call(&args), Err(Errno::INVAL));
    }
}
