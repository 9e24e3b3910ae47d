//! clone(2), for kernels and seccomp filters without clone3(2). It takes fewer arguments, in registers.
#![allow(unsafe_code, reason = "creates a process that continues in the middle of a function")]

use core::ffi::c_void;

use linux_raw_sys::general::{__NR_clone, CSIGNAL};
use rustix::io::Errno;

use super::args::CloneArgs;
use super::clone3::to_pid;
use crate::arch;
use crate::flags::CloneFlags;

/// clone(2) stores both through the same argument.
const SHARED_ARGUMENT: CloneFlags = CloneFlags::PIDFD.union(CloneFlags::PARENT_SETTID);

impl CloneArgs<'_> {
    /// Whether [`clone`] and [`clone_entry`] accept these arguments.
    ///
    /// They accept neither `CLEAR_SIGHAND`, `INTO_CGROUP`, `NEWTIME` nor `set_tid`, and not `PIDFD`
    /// together with `PARENT_SETTID`.
    ///
    /// # Async-signal-safety
    /// May be called between clone and exec.
    ///
    /// # Examples
    /// ```
    /// use ns_sys::{CloneArgs, CloneFlags};
    ///
    /// let args = CloneArgs::new(CloneFlags::NEWUSER | CloneFlags::CLEAR_SIGHAND);
    /// assert!(!args.fits_clone() && args.without(CloneFlags::CLEAR_SIGHAND).fits_clone());
    /// ```
    ///
    /// # References
    /// clone(2); kernel/fork.c `clone`.
    pub fn fits_clone(&self) -> bool {
        let flags = self.flags();
        // clone(2) has 32 flag bits. The lowest eight, `NEWTIME` among them, hold the exit signal.
        u32::try_from(flags.bits()).is_ok_and(|bits| bits & CSIGNAL == 0)
            && !flags.contains(SHARED_ARGUMENT)
            && self.raw.set_tid_size == 0
    }

    /// The arguments of clone(2), in the order of this architecture.
    fn to_registers(&self) -> Option<[usize; 5]> {
        if !self.fits_clone() {
            return None;
        }
        let raw = &self.raw;
        let pointer =
            if self.flags().contains(CloneFlags::PIDFD) { raw.pidfd } else { raw.parent_tid };
        let stack = if raw.stack == 0 { 0 } else { raw.stack + raw.stack_size };
        let (child_tid, tls) = (raw.child_tid, raw.tls);
        let last = if cfg!(target_arch = "x86_64") { [child_tid, tls] } else { [tls, child_tid] };
        Some(
            [raw.flags | raw.exit_signal, stack, pointer, last[0], last[1]]
                .map(|value| value as usize),
        )
    }
}

/// `clone(flags, stack, …)` — create a child as [`clone3`](crate::clone3) does, by the older call.
///
/// [`pidfd_open`](crate::pidfd_open) returns an owned pidfd of the child until it is reaped.
///
/// # Errors
/// As for [`clone3`](crate::clone3). Also `EINVAL`, without a system call, for arguments that
/// [do not fit](CloneArgs::fits_clone).
///
/// # Safety
/// As for [`clone3`](crate::clone3).
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6; see [`CloneFlags`] for each flag.
///
/// # References
/// clone(2); kernel/fork.c `clone`.
pub unsafe fn clone(args: &CloneArgs<'_>) -> Result<Option<u32>, Errno> {
    if args.raw.stack != 0 || args.flags().contains(CloneFlags::VM) {
        return Err(Errno::INVAL);
    }
    let arguments = args.to_registers().ok_or(Errno::INVAL)?;
    // SAFETY: these are the fields of `args` in the kernel's order; the caller upholds the rest of the
    // contract.
    let pid = unsafe { arch::syscall(__NR_clone, arguments) }?;
    Ok(if pid == 0 { None } else { Some(to_pid(pid)) })
}

/// `clone(flags, stack, …)` — create a child as [`clone3_entry`](crate::clone3_entry) does, by the
/// older call.
///
/// # Errors
/// As for [`clone3_entry`](crate::clone3_entry). Also `EINVAL`, without a system call, for arguments
/// that [do not fit](CloneArgs::fits_clone).
///
/// # Safety
/// As for [`clone3_entry`](crate::clone3_entry).
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6; see [`CloneFlags`] for each flag.
///
/// # References
/// clone(2); kernel/fork.c `clone`.
pub unsafe fn clone_entry(
    args: &CloneArgs<'_>,
    entry: unsafe extern "C" fn(*mut c_void) -> !,
    arg: *mut c_void,
) -> Result<u32, Errno> {
    if args.raw.stack == 0 {
        return Err(Errno::INVAL);
    }
    let arguments = args.to_registers().ok_or(Errno::INVAL)?;
    // SAFETY: these are the fields of `args` in the kernel's order, with a stack; the caller upholds
    // the rest.
    unsafe { arch::clone_entry(__NR_clone, arguments, entry, arg) }.map(to_pid)
}
