//! clone3(2), for a child with a copy of the memory and for a child that shares it.
#![allow(unsafe_code, reason = "creates a process that continues in the middle of a function")]

use core::ffi::c_void;

use linux_raw_sys::general::__NR_clone3;
use rustix::io::Errno;

use super::args::CloneArgs;
use crate::arch;
use crate::flags::CloneFlags;

/// `clone3(args, size)` — create a child with a copy of the caller's memory, as fork does.
///
/// Returns the child's process ID in the parent and `None` in the child. No pthread_atfork(3)
/// handler runs. If the program has threads, a lock that another thread holds stays held in the child.
/// [`clone3_pidfd`](crate::clone3_pidfd) also returns a pidfd.
///
/// # Errors
/// - `EINVAL`: see [`CloneArgs::validate`]. Also, without a system call: a stack or `VM` is set; use
///   [`clone3_entry`] for those.
/// - `EPERM`: a new namespace needs `CAP_SYS_ADMIN`, `set_tid` needs `CAP_CHECKPOINT_RESTORE`,
///   `NEWUSER` is set and the caller is in a chroot, or a seccomp filter forbids the call.
/// - `ENOSPC`: a limit on namespaces is reached, or they are nested too deeply (namespaces(7)).
/// - `EAGAIN`: `RLIMIT_NPROC` or the limit of the pids cgroup is reached.
/// - `ENOSYS`: before Linux 5.3, or a seccomp filter hides the call.
///
/// # Safety
/// - If the program has or had threads, the child must make only async-signal-safe calls until it
///   executes a program or calls [`child::exit_group`](crate::child::exit_group).
/// - With `SETTLS`, the descriptor must be valid.
/// - With `FILES` or `FS`, both processes must use the shared descriptors and directories only as
///   their owners allow.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.3; see [`CloneFlags`] for each flag.
///
/// # Examples
/// ```
/// use ns_sys::{CloneArgs, CloneFlags, WaitFlags, child};
///
/// let args = CloneArgs::new(CloneFlags::NEWUSER);
/// // SAFETY: the child makes one system call.
/// let Some(pid) = (unsafe { ns_sys::clone3(&args) }?) else { child::exit_group(7) };
/// let status = child::wait4(pid, WaitFlags::ALL)?.expect("it has exited");
/// assert_eq!(status.code(), Some(7));
/// # Ok::<(), ns_sys::Errno>(())
/// ```
///
/// # References
/// clone(2); kernel/fork.c `clone3`.
pub unsafe fn clone3(args: &CloneArgs<'_>) -> Result<Option<u32>, Errno> {
    // A child on a new stack, or on the stack that its parent uses, could not return from here.
    if args.raw.stack != 0 || args.flags().contains(CloneFlags::VM) {
        return Err(Errno::INVAL);
    }
    let arguments = [args.as_ptr().expose_provenance(), CloneArgs::SIZE];
    // SAFETY: `args` is a complete `struct clone_args`; the caller upholds the rest of the contract.
    let pid = unsafe { arch::syscall(__NR_clone3, arguments) }?;
    Ok(if pid == 0 { None } else { Some(to_pid(pid)) })
}

/// `clone3(args, size)` — create a child that runs `entry(arg)` on the stack in `args`.
///
/// With `VM` the child shares the memory of its parent; `examples/shared_memory_child.rs` is a complete
/// program. Returns the child's process ID as soon as the child exists.
/// [`clone3_entry_pidfd`](crate::clone3_entry_pidfd) returns a pidfd in addition. With `VFORK` the call blocks
/// until the child has executed a program or terminated.
///
/// # Errors
/// As for [`clone3`]. Also `EINVAL`, without a system call, if `args` has no stack.
///
/// # Safety
/// - `entry(arg)` must be sound in the child. With `VM` it must not use a thread-local of libc or std,
///   allocate, lock or panic: the memory belongs to the threads of the parent, and the child has the
///   thread pointer of the thread that created it.
/// - The stack, `arg`, the memory that `arg` points to, and the word of `child_tid`, which the kernel
///   writes, must stay valid and must not be used in another way until the child has released the
///   memory: until `CHILD_CLEARTID` clears the word, or a call with `VFORK` returns.
/// - With `SETTLS`, the descriptor must be valid, or `entry` must use no thread-local storage.
/// - All signals must be blocked around the call, or every signal handler of the parent must be sound
///   in the child.
/// - Both processes must use everything else that the flags share only as its owners allow.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.3; see [`CloneFlags`] for each flag.
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
    // SAFETY: `args` is a complete `struct clone_args` with a stack; the caller upholds the rest.
    unsafe { arch::clone_entry(__NR_clone3, arguments, entry, arg) }.map(to_pid)
}

/// The process ID that clone returned in the parent.
pub(super) fn to_pid(returned: usize) -> u32 {
    returned as u32
}
