//! clone(2), for where clone3(2) is missing: its arguments in registers, and fewer of them.
#![allow(unsafe_code, reason = "a process that starts in the middle of a function")]

use core::ffi::c_void;

use linux_raw_sys::general::{__NR_clone, CSIGNAL};
use rustix::io::Errno;

use super::args::CloneArgs;
use super::call::id;
use crate::arch;
use crate::flags::CloneFlags;

/// One argument of clone(2) is the place of both.
const ONE_PLACE: CloneFlags = CloneFlags::PIDFD.union(CloneFlags::PARENT_SETTID);

impl CloneArgs<'_> {
    /// Whether [`clone`] and [`clone_entry`] can carry these arguments: no `CLEAR_SIGHAND`,
    /// `INTO_CGROUP`, `NEWTIME` or `set_tid`, and not both of `PIDFD` and `PARENT_SETTID`.
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
        // The lowest bits are the exit signal's, `NEWTIME` among them; there are 32.
        u32::try_from(flags.bits()).is_ok_and(|bits| bits & CSIGNAL == 0)
            && self.raw.exit_signal <= CSIGNAL.into()
            && !flags.contains(ONE_PLACE)
            && self.raw.set_tid_size == 0
    }

    /// The arguments of clone(2), in the order of this architecture.
    fn in_registers(&self) -> Option<[usize; 5]> {
        if !self.fits_clone() {
            return None;
        }
        let raw = &self.raw;
        let place =
            if self.flags().contains(CloneFlags::PIDFD) { raw.pidfd } else { raw.parent_tid };
        let stack = if raw.stack == 0 { 0 } else { raw.stack + raw.stack_size };
        let (child_tid, tls) = (raw.child_tid, raw.tls);
        let last = if cfg!(target_arch = "x86_64") { [child_tid, tls] } else { [tls, child_tid] };
        Some(
            [raw.flags | raw.exit_signal, stack, place, last[0], last[1]]
                .map(|value| value as usize),
        )
    }
}

/// `clone(flags, stack, …)` — as [`clone3`](super::clone3), by the older call.
///
/// # Errors
/// As [`clone3`](super::clone3); `EINVAL` also, without a call, for what
/// [does not fit](CloneArgs::fits_clone).
///
/// # Safety
/// As of [`clone3`](super::clone3).
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6; each flag as documented there.
///
/// # References
/// clone(2); kernel/fork.c `clone`.
pub unsafe fn clone(args: &CloneArgs<'_>) -> Result<Option<u32>, Errno> {
    if args.raw.stack != 0 || args.flags().contains(CloneFlags::VM) {
        return Err(Errno::INVAL);
    }
    let arguments = args.in_registers().ok_or(Errno::INVAL)?;
    // SAFETY: the fields of `args`, in their places; the caller keeps the rest of the contract.
    let pid = unsafe { arch::syscall(__NR_clone, arguments) }?;
    Ok(if pid == 0 { None } else { Some(id(pid)) })
}

/// `clone(flags, stack, …)` — as [`clone3_entry`](super::clone3_entry), by the older call.
///
/// # Errors
/// As [`clone3_entry`](super::clone3_entry); `EINVAL` also, without a call, for what
/// [does not fit](CloneArgs::fits_clone).
///
/// # Safety
/// As of [`clone3_entry`](super::clone3_entry).
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6; each flag as documented there.
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
    let arguments = args.in_registers().ok_or(Errno::INVAL)?;
    // SAFETY: the fields of `args`, in their places, with a stack; the caller keeps the rest.
    unsafe { arch::clone_entry(__NR_clone, arguments, entry, arg) }.map(id)
}
