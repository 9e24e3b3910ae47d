//! The dumpable flag of a child with its own copy of the memory.
//!
//! The flag belongs to the address space: in shared memory a change would affect the caller.
#![allow(unsafe_code, reason = "prctl(2) with integer arguments")]

use ns_sys::child;

/// include/uapi/linux/prctl.h.
const PR_SET_DUMPABLE: u32 = 4;

/// Sets the flag if there is a value. The kernel accepts both 0 and 1.
pub(super) fn set(dumpable: Option<bool>) {
    let Some(dumpable) = dumpable else { return };
    // SAFETY: the option takes integer arguments only.
    let _ = unsafe { child::prctl(PR_SET_DUMPABLE, [dumpable.into(), 0, 0, 0]) };
}
