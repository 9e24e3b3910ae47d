//! The dumpable flag of a child with its own copy of the memory.
//!
//! The flag belongs to the address space: in shared memory a change would affect the caller.

use super::handshake::Report;
use super::prctl::{self, Attribute};

/// Sets the flag if there is a value. The kernel accepts both 0 and 1.
#[expect(clippy::unnecessary_wraps, reason = "a step")]
#[inline]
pub(super) fn set(dumpable: Option<bool>) -> Result<(), Report> {
    if let Some(dumpable) = dumpable {
        let _ = prctl::set(Attribute::Dumpable, [dumpable.into(), 0]);
    }
    Ok(())
}
