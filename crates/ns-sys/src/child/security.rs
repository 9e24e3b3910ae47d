//! Capabilities, seccomp filters and keyrings of the calling thread.
#![allow(unsafe_code, reason = "system calls")]

use core::ffi::CStr;
use core::ptr;

use linux_raw_sys::general::{__NR_capset, __NR_keyctl, __NR_seccomp, _LINUX_CAPABILITY_VERSION_3};

use crate::arch::syscall;
use crate::{Errno, Result};

/// The capability sets of a thread; bit `n` is capability `n`.
///
/// # References
/// capabilities(7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CapabilitySets {
    /// The capabilities that the kernel checks.
    pub effective: u64,
    /// The capabilities that the thread may make effective.
    pub permitted: u64,
    /// The capabilities that an executed program may inherit.
    pub inheritable: u64,
}

/// An instruction of classic BPF: `struct sock_filter`.
///
/// # References
/// include/uapi/linux/filter.h; Documentation/networking/filter.rst.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BpfInstruction {
    /// The operation code.
    pub code: u16,
    /// The number of instructions to skip if a comparison is true.
    pub jt: u8,
    /// The number of instructions to skip if a comparison is false.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

/// `struct sock_fprog`.
#[repr(C)]
struct Program {
    length: u16,
    instructions: *const BpfInstruction,
}

/// `SECCOMP_SET_MODE_FILTER`.
const SET_MODE_FILTER: usize = 1;

/// `capset({3, 0}, sets)` — set the capabilities of the calling thread.
///
/// # Errors
/// - `EPERM`: the permitted set would grow; the effective set is not a subset of the permitted set; or
///   the inheritable set would grow without `CAP_SETPCAP` or beyond the bounding set.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.26.
///
/// # References
/// capset(2), capabilities(7); kernel/capability.c.
pub fn capset(sets: CapabilitySets) -> Result<()> {
    let header = [_LINUX_CAPABILITY_VERSION_3, 0];
    let all = [sets.effective, sets.permitted, sets.inheritable];
    let halves = [all.map(|set| set as u32), all.map(|set| (set >> 32) as u32)];
    let arguments =
        [ptr::from_ref(&header).expose_provenance(), ptr::from_ref(&halves).expose_provenance()];
    // SAFETY: version 3 uses two structs of three words, in this order; all outlive the call.
    unsafe { syscall(__NR_capset, arguments) }.map(drop)
}

/// `seccomp(SECCOMP_SET_MODE_FILTER, flags, filter)` — add a filter for all later system calls,
/// including those of programs that are executed later.
///
/// Returns 0; with `SECCOMP_FILTER_FLAG_NEW_LISTENER` a descriptor; with `SECCOMP_FILTER_FLAG_TSYNC` the
/// ID of a thread that could not be synchronized, if there is one.
///
/// # Errors
/// - `EACCES`: the thread has neither no_new_privs nor `CAP_SYS_ADMIN`.
/// - `EINVAL`: the filter is empty, has more than 4096 instructions, or is invalid.
/// - `ENOSYS`: the kernel was built without seccomp.
///
/// # Safety
/// Code in this process relies on the results of system calls. The filter, and a process that listens to
/// it, must not return a false result that breaks safe code: for example success from `mmap` without a
/// mapping, or too large a count from `read`.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 3.17.
///
/// # References
/// seccomp(2); kernel/seccomp.c.
pub unsafe fn seccomp_set_filter(flags: u32, filter: &[BpfInstruction]) -> Result<usize> {
    let length = u16::try_from(filter.len()).map_err(|_| Errno::INVAL)?;
    let program = Program { length, instructions: filter.as_ptr() };
    let arguments = [SET_MODE_FILTER, flags as usize, (&raw const program).expose_provenance()];
    // SAFETY: the slice has the given length, and both outlive the call; the caller guarantees that the
    // filter returns sound results.
    unsafe { syscall(__NR_seccomp, arguments) }
}

/// `KEYCTL_JOIN_SESSION_KEYRING`.
const JOIN_SESSION_KEYRING: usize = 1;

/// `keyctl(KEYCTL_JOIN_SESSION_KEYRING, name)` — replace the session keyring of the calling thread, and return the
/// serial number of the new one.
///
/// The keyring is a new one, or an existing one with this name that the thread may search. If the thread has that
/// one already, the result is 0.
///
/// # Errors
/// - `EDQUOT`: the quota of keys of the user is reached.
/// - `EPERM`: the name begins with a period.
/// - `ENOSYS`: the kernel was built without keyrings, or a seccomp filter hides the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.10.
///
/// # References
/// KEYCTL_JOIN_SESSION_KEYRING(2const), session-keyring(7); security/keys/process_keys.c.
pub fn keyctl_join_session_keyring(name: Option<&CStr>) -> Result<i32> {
    let name = name.map_or(0, |name| name.as_ptr().expose_provenance());
    // SAFETY: the name is null or a string that outlives the call.
    unsafe { syscall(__NR_keyctl, [JOIN_SESSION_KEYRING, name]) }.map(|serial| serial as i32)
}
