//! The kernel's verdict on arguments of clone3, whatever they are.
#![allow(unsafe_code, reason = "a child that leaves in assembly, on a stack it may share")]

use std::ffi::c_void;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// `__WALL`: children of every kind.
const ALL: WaitIdOptions = WaitIdOptions::from_bits_retain(0x4000_0000);

/// clone3 whose child leaves without touching the stack, which may be the caller's.
///
/// # Errors
/// The kernel's; `ENOSYS` on a processor for which nobody wrote down how its child leaves.
///
/// # Safety
/// `args` leads to `size` bytes of a `struct clone_args`, and its pointers are valid. Whoever calls
/// blocks all signals, and reaps what `CLONE_PARENT` made a sibling.
#[cfg(target_arch = "x86_64")]
pub unsafe fn clone3_leave(args: *const c_void, size: usize) -> Result<Pid, Errno> {
    let returned: isize;
    // SAFETY: the parent comes out with rax, rcx and r11 changed; the child makes exit(0).
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

/// Nobody asks here.
#[cfg(not(target_arch = "x86_64"))]
pub unsafe fn clone3_leave(_args: *const c_void, _size: usize) -> Result<Pid, Errno> {
    Err(Errno::NOSYS)
}

/// Waits until what [`clone3_leave`] made is gone: a child, or a thread where `CLONE_THREAD` was given.
///
/// # Panics
/// Where it cannot be reaped.
pub fn await_left(pid: Pid, is_thread: bool) {
    if is_thread {
        let task = format!("/proc/self/task/{}", pid.as_raw_nonzero());
        while std::fs::exists(&task).is_ok_and(|yes| yes) {
            std::thread::yield_now();
        }
        return;
    }
    let reaped = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | ALL);
    // An init that shares dispositions makes its creator ignore SIGCHLD when it ends, and then the
    // kernel reaps (zap_pid_ns_processes).
    assert!(matches!(reaped, Ok(_) | Err(Errno::CHILD)), "reap the child: {reaped:?}");
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_a_child_and_a_bit_is_none() {
        let mut args = [0_u64; 8];
        let ask = |args: &[u64; 8]| {
            // SAFETY: the first version of the struct, without pointers; no signal comes of it.
            unsafe { clone3_leave(args.as_ptr().cast(), size_of_val(args)) }
        };
        await_left(ask(&args).expect("a plain child"), false);
        args[0] = 1 << 63;
        assert_eq!(ask(&args), Err(Errno::INVAL));
    }
}
