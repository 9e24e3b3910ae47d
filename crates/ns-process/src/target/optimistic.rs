//! The optimistic join of a target, on the assumptions that none of its namespaces is the caller's own and that the
//! caller's IDs have mappings. The child verifies them: see `in_child::optimistic`.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use ns_sys::Errno;

use crate::in_child::OverflowIds;

/// Set once a child could not verify the assumptions: before Linux 6.8, or because of a seccomp filter.
static CANNOT_VERIFY: AtomicBool = AtomicBool::new(false);

/// The IDs that the kernel shows for IDs without a mapping, read once per program. `None` if they cannot be read, or a
/// child could not verify the assumptions.
pub(super) fn overflow_ids(proc: &Path) -> Option<OverflowIds> {
    static OVERFLOW_IDS: OnceLock<Option<OverflowIds>> = OnceLock::new();
    if CANNOT_VERIFY.load(Ordering::Relaxed) {
        return None;
    }
    let read =
        |file| fs::read_to_string(proc.join("sys/kernel").join(file)).ok()?.trim().parse().ok();
    *OVERFLOW_IDS
        .get_or_init(|| Some(OverflowIds { uid: read("overflowuid")?, gid: read("overflowgid")? }))
}

/// Records that no child can verify the assumptions, if `errno` shows it.
pub(super) fn note(errno: Option<Errno>) {
    if matches!(errno, Some(Errno::NOSYS | Errno::OPNOTSUPP)) {
        CANNOT_VERIFY.store(true, Ordering::Relaxed);
    }
}
