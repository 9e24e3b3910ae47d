//! The kernel's verdict on clone3 arguments.
#![allow(unsafe_code, reason = "children that leave in assembly, on a stack they may share")]

use std::sync::atomic::{AtomicI32, Ordering};

use ns_sys::child::{SignalSet, close, rt_sigprocmask};
use ns_sys::{CloneArgs, CloneFlags, Errno};
use ns_testbed::forked;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// `__WALL`: children of every kind.
const ALL: WaitIdOptions = WaitIdOptions::from_bits_retain(0x4000_0000);

/// Whether clone3 makes a child of these arguments; `None` on a processor for which nobody wrote
/// down how its child leaves.
pub(super) fn kernel(args: &CloneArgs<'_>, pidfd: &AtomicI32) -> Option<Result<(), Errno>> {
    if !cfg!(target_arch = "x86_64") {
        return None;
    }
    let asker = || forked(|| ask(args, pidfd));
    // The child of `PARENT` is the asker's sibling, and nobody's business but that of a process
    // between.
    let told = if args.flags().contains(CloneFlags::PARENT) {
        forked(|| {
            let told = asker();
            while waitid(WaitId::All, WaitIdOptions::EXITED | ALL).is_ok() {}
            told
        })
    } else {
        asker()
    };
    assert!((0..134).contains(&told), "the asking process was lost: {told}, {args:?}");
    Some(if told == 0 { Ok(()) } else { Err(Errno::from_raw_os_error(told)) })
}

/// In the forked child: the errno, or 0.
fn ask(args: &CloneArgs<'_>, pidfd: &AtomicI32) -> i32 {
    // Exit signals, and whatever else, must not end the asking process.
    rt_sigprocmask(SignalSet::ALL).expect("block signals");
    // SAFETY: as_ptr leads to SIZE bytes, and all pointers in there are valid.
    match unsafe { clone3_leave(args) } {
        Ok(made) => {
            settle(made, args.flags());
            if args.flags().contains(CloneFlags::PIDFD) {
                // SAFETY: the kernel has just stored a new descriptor here.
                unsafe { close(pidfd.load(Ordering::Relaxed)) }.expect("close the pidfd");
            }
            0
        }
        Err(errno) => errno.raw_os_error(),
    }
}

/// Reaps a child, or waits until a thread is gone.
fn settle(pid: Pid, flags: CloneFlags) {
    if flags.contains(CloneFlags::THREAD) {
        let task = format!("/proc/self/task/{}", pid.as_raw_nonzero());
        while std::fs::exists(&task).is_ok_and(|yes| yes) {
            std::thread::yield_now();
        }
    } else if !flags.contains(CloneFlags::PARENT) {
        let reaped = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | ALL);
        // An init that shares dispositions makes its creator ignore SIGCHLD when it ends, and then
        // the kernel reaps (zap_pid_ns_processes).
        assert!(matches!(reaped, Ok(_) | Err(Errno::CHILD)), "reap the child: {reaped:?}");
    }
}

/// clone3 whose child leaves without touching the stack, which may be the caller's.
///
/// # Safety
/// The pointers in `args` are valid.
#[cfg(target_arch = "x86_64")]
unsafe fn clone3_leave(args: &CloneArgs<'_>) -> Result<Pid, Errno> {
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
            in("rdi") args.as_ptr(),
            in("rsi") CloneArgs::SIZE,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    let number = i32::try_from(returned).unwrap_or_default();
    Pid::from_raw(number.max(0)).ok_or_else(|| Errno::from_raw_os_error(-number))
}

/// Nobody comes here: see [`kernel`].
#[cfg(not(target_arch = "x86_64"))]
unsafe fn clone3_leave(_args: &CloneArgs<'_>) -> Result<Pid, Errno> {
    Err(Errno::NOSYS)
}
