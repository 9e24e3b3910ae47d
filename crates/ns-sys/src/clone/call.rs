//! The clone3(2) call, for a child with memory of its own and for one that shares it.
#![allow(unsafe_code, reason = "a process that starts in the middle of a function")]

use core::ffi::c_void;

use linux_raw_sys::general::__NR_clone3;
use rustix::io::Errno;

use super::args::CloneArgs;
use crate::arch;
use crate::flags::CloneFlags;

/// `clone3(args, size)` — makes a child with a copy of the caller's memory, as fork does.
///
/// Returns the child's id to the creator and `None` in the child. The call reaches the kernel with
/// no atfork handler run: in the child of a program with threads, every lock that another thread
/// held stays held.
///
/// # Errors
/// - `EINVAL`: see [`CloneArgs::validate`]; without a call, a stack or `VM`, for which
///   [`clone3_entry`] is made.
/// - `EPERM`: a namespace needs `CAP_SYS_ADMIN`, `set_tid` needs `CAP_CHECKPOINT_RESTORE`, the caller
///   of `NEWUSER` is chrooted, or a seccomp filter forbids the call.
/// - `ENOSPC`: a limit of namespaces(7) is reached, or they are nested too deep.
/// - `EAGAIN`: `RLIMIT_NPROC` or the pids cgroup.
/// - `ENOSYS`: before Linux 5.3, or a seccomp filter hides the call.
///
/// # Safety
/// - The child, in a program that has or had threads, makes only async-signal-safe calls until it
///   executes a program or leaves by [`child::exit_group`](crate::child::exit_group).
/// - With `SETTLS` the descriptor is a valid one.
/// - What the flags share (`FILES`, `FS`) is used by both sides as their owners allow.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.3; each flag as documented there.
///
/// # Examples
/// ```
/// use std::os::fd::{FromRawFd, OwnedFd};
/// use std::sync::atomic::AtomicI32;
///
/// use ns_sys::{CloneArgs, CloneFlags, WaitFlags, child};
///
/// let pidfd = AtomicI32::new(-1);
/// let mut args = CloneArgs::new(CloneFlags::NEWUSER);
/// args.pidfd(&pidfd);
/// // SAFETY: the child makes one bare call.
/// if unsafe { ns_sys::clone3(&args) }?.is_none() {
///     child::exit_group(7);
/// }
/// // SAFETY: the kernel stored a new descriptor there.
/// let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd.into_inner()) };
/// let status = ns_sys::waitid_pidfd(&pidfd, WaitFlags::ALL)?.expect("it has ended");
/// assert_eq!(status.code(), Some(7));
/// # Ok::<(), ns_sys::Errno>(())
/// ```
///
/// # References
/// clone(2); kernel/fork.c `clone3`.
pub unsafe fn clone3(args: &CloneArgs<'_>) -> Result<Option<u32>, Errno> {
    // A child on another stack, or on the creator's own, could not return from here.
    if args.raw.stack != 0 || args.flags().contains(CloneFlags::VM) {
        return Err(Errno::INVAL);
    }
    let arguments = [args.as_ptr().expose_provenance(), CloneArgs::SIZE];
    // SAFETY: `args` is a whole `struct clone_args`; the caller keeps the rest of the contract.
    let pid = unsafe { arch::syscall(__NR_clone3, arguments) }?;
    Ok(if pid == 0 { None } else { Some(id(pid)) })
}

/// `clone3(args, size)` — makes a child that runs `entry(arg)` on the stack in `args`.
///
/// This is how a child shares its creator's memory (`VM`); `examples/shared_memory_child.rs` shows it
/// whole. Returns the child's id as soon as the
/// child exists, with `VFORK` only after it has left the shared memory.
///
/// # Errors
/// As [`clone3`]; `EINVAL` also, without a call, when `args` has no stack.
///
/// # Safety
/// - `entry` may run with `arg` in the child: with `VM`, no thread-local of libc or std, no
///   allocation, no lock, no panic, because the memory belongs to the creator's threads, and one of
///   them is, as far as the thread pointer tells, this child.
/// - The stack, `arg` and what it leads to, and the word of `child_tid`, into which the kernel writes
///   when the child leaves, stay valid and are not used otherwise until the child has left the
///   memory: `CHILD_CLEARTID` or the end of a `VFORK` call tells.
/// - With `SETTLS` the descriptor is a valid one, or `entry` uses no thread-local storage.
/// - All signals are blocked around the call, or no handler of the creator's harms in the child.
/// - What else the flags share is used by both sides as its owners allow.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.3; each flag as documented there.
///
/// # References
/// clone(2); kernel/fork.c `clone3`.
pub unsafe fn clone3_entry(
    args: &CloneArgs<'_>,
    entry: unsafe extern "C" fn(*mut c_void) -> !,
    arg: *mut c_void,
) -> Result<u32, Errno> {
    if args.raw.stack == 0 {
        return Err(Errno::INVAL);
    }
    let arguments = [args.as_ptr().expose_provenance(), CloneArgs::SIZE];
    // SAFETY: `args` is a whole `struct clone_args` with a stack; the caller keeps the rest.
    unsafe { arch::clone_entry(__NR_clone3, arguments, entry, arg) }.map(id)
}

pub(super) fn id(returned: usize) -> u32 {
    returned as u32
}
