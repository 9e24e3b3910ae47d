//! A target that is taken for a usual one: none of its namespaces the caller's own, and the caller's ids mapped.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use ns_sys::Errno;

use crate::in_child::OverflowIds;

/// Set once a child could not look around: before Linux 6.8, or because of a filter.
static CANNOT_LOOK: AtomicBool = AtomicBool::new(false);

/// How the kernel shows ids that have no mapping, as it did when this was asked first; `None` where nothing tells,
/// or a child could not look.
pub(super) fn overflow_ids(proc: &Path) -> Option<OverflowIds> {
    static TOLD: OnceLock<Option<OverflowIds>> = OnceLock::new();
    if CANNOT_LOOK.load(Ordering::Relaxed) {
        return None;
    }
    let told =
        |file| fs::read_to_string(proc.join("sys/kernel").join(file)).ok()?.trim().parse().ok();
    *TOLD.get_or_init(|| Some(OverflowIds { uid: told("overflowuid")?, gid: told("overflowgid")? }))
}

/// Remembers why a start failed.
pub(super) fn note(errno: Option<Errno>) {
    if matches!(errno, Some(Errno::NOSYS | Errno::OPNOTSUPP)) {
        CANNOT_LOOK.store(true, Ordering::Relaxed);
    }
}
