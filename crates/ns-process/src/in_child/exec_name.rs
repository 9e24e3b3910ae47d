//! A process name by which the caller sees that the child has not executed anything yet.
//!
//! exec sets the name of the new program after it has replaced the memory (fs/exec.c `begin_new_exec`).
#![allow(unsafe_code, reason = "prctl(2) with a pointer to a string")]

use core::ffi::CStr;

use ns_sys::child;

use super::handshake::Report;
use crate::step::Step;

/// include/uapi/linux/prctl.h.
const PR_SET_NAME: u32 = 15;

/// Must precede the seccomp filter, which may forbid the call.
#[inline]
pub(super) fn set(name: Option<&CStr>) -> Result<(), Report> {
    let Some(name) = name else { return Ok(()) };
    let name = name.as_ptr().expose_provenance();
    // SAFETY: the kernel reads up to 16 bytes of a NUL-terminated string, which is valid during the call.
    let named = unsafe { child::prctl(PR_SET_NAME, [name, 0, 0, 0]) };
    named.map(drop).map_err(|errno| Report::new(Step::MemoryLock, errno))
}
