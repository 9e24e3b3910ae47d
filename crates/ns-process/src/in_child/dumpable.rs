//! The dumpable flag of a child that has memory of its own; in the caller's memory the flag is the caller's.
#![allow(unsafe_code, reason = "prctl with numbers")]

use ns_sys::child;

/// Of include/uapi/linux/prctl.h.
const PR_SET_DUMPABLE: u32 = 4;

/// Sets it, if it is said how. The kernel refuses neither value.
pub(super) fn set(dumpable: Option<bool>) {
    let Some(dumpable) = dumpable else { return };
    // SAFETY: takes numbers only.
    let _ = unsafe { child::prctl(PR_SET_DUMPABLE, [dumpable.into(), 0, 0, 0]) };
}
