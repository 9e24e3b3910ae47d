//! A target that is taken for a usual one: none of its namespaces the caller's own, and the caller's ids mapped.

use std::fs;
use std::sync::OnceLock;

use crate::in_child::Unmapped;

/// How the kernel shows ids that have no mapping, as it did when this was asked first.
pub(super) fn unmapped() -> Unmapped {
    static TOLD: OnceLock<Unmapped> = OnceLock::new();
    *TOLD.get_or_init(|| Unmapped { uid: told("overflowuid"), gid: told("overflowgid") })
}

fn told(file: &str) -> u32 {
    /// `DEFAULT_OVERFLOWUID` of include/linux/highuid.h, and that for groups.
    const DEFAULT: u32 = 65534;
    let text = fs::read_to_string(std::format!("/proc/sys/kernel/{file}"));
    text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(DEFAULT)
}
