//! A name that exec replaces after it has taken the memory: while the process has it, nothing is executed.
#![allow(unsafe_code, reason = "prctl that reads a string")]

use core::ffi::CStr;

use ns_sys::child;

use super::handshake::Report;
use crate::step::Step;

/// Of include/uapi/linux/prctl.h.
const PR_SET_NAME: u32 = 15;

/// Before a filter, which may forbid it.
pub(super) fn set(name: Option<&CStr>) -> Result<(), Report> {
    let Some(name) = name else { return Ok(()) };
    let name = name.as_ptr().expose_provenance();
    // SAFETY: the kernel reads a string of 15 bytes and a NUL, which the caller keeps.
    let named = unsafe { child::prctl(PR_SET_NAME, [name, 0, 0, 0]) };
    named.map(drop).map_err(|errno| Report::new(Step::MemoryLock, errno))
}
