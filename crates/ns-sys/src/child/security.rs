//! Capabilities and seccomp filters of this thread.
#![allow(unsafe_code, reason = "system calls")]

use core::ptr;

use linux_raw_sys::general::{__NR_capset, __NR_seccomp, _LINUX_CAPABILITY_VERSION_3};

use crate::arch::syscall;
use crate::{Errno, Result};

/// Three sets of capabilities(7), bit `n` for capability `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CapabilitySets {
    /// What is in force.
    pub effective: u64,
    /// What may be put in force.
    pub permitted: u64,
    /// What an executed program may inherit.
    pub inheritable: u64,
}

/// An instruction of classic BPF: `struct sock_filter` of include/uapi/linux/filter.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BpfInstruction {
    /// What it does.
    pub code: u16,
    /// Instructions to skip if a comparison holds.
    pub jt: u8,
    /// Instructions to skip if it does not.
    pub jf: u8,
    /// Its operand.
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

/// `capset({3, 0}, sets)` — sets the capabilities of this thread.
///
/// # Errors
/// - `EPERM`: permitted grows, effective is not within permitted, or inheritable grows without
///   `CAP_SETPCAP` or beyond the bounding set.
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
    // SAFETY: version 3 has two structs of three words, in this order; all outlive the call.
    unsafe { syscall(__NR_capset, arguments) }.map(drop)
}

/// `seccomp(SECCOMP_SET_MODE_FILTER, flags, filter)` — adds a filter for all system calls from here on,
/// those of programs executed later too; returns 0, or with `NEW_LISTENER` a descriptor.
///
/// # Errors
/// - `EACCES`: neither no_new_privs nor `CAP_SYS_ADMIN`.
/// - `EINVAL`: empty, over 4096 instructions, or not a valid filter.
/// - `ENOSYS`: the kernel has no seccomp.
///
/// # Safety
/// What the filter, or whoever listens to it, answers in place of the kernel is what the callers in
/// this process rely on: `mmap` that pretends to succeed, or `read` that tells too many bytes, breaks
/// safe code.
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
    // SAFETY: the slice is of the length told and both outlive the call; the caller vouches for what
    // the filter answers.
    unsafe { syscall(__NR_seccomp, arguments) }
}
