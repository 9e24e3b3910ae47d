//! `linux.resources.pids`.

use anyhow::Result;
use oci_spec::runtime::LinuxPids;

use super::super::write::Write;
use super::or_max;

/// 0 is what engines write if there is no limit, so it asks for nothing.
pub(super) fn limit(pids: &LinuxPids) -> Result<Vec<Write>> {
    let asked = Some(pids.limit()).filter(|limit| *limit != 0);
    Ok(asked.map(|limit| Write::new("pids.max", or_max(limit))).into_iter().collect())
}
