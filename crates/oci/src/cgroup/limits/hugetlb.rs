//! `linux.resources.hugepageLimits`.

use anyhow::{Result, ensure};
use oci_spec::runtime::LinuxHugepageLimit;

use super::super::write::Write;
use super::or_max;

pub(super) fn version_1(limits: &[LinuxHugepageLimit]) -> Result<Vec<Write>> {
    writes(limits, "limit_in_bytes", |limit| limit.to_string())
}

pub(super) fn version_2(limits: &[LinuxHugepageLimit]) -> Result<Vec<Write>> {
    writes(limits, "max", or_max)
}

fn writes(
    limits: &[LinuxHugepageLimit],
    suffix: &str,
    text: fn(i64) -> String,
) -> Result<Vec<Write>> {
    let mut writes = Vec::new();
    for limit in limits {
        let size = limit.page_size();
        ensure!(
            !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "linux.resources.hugepageLimits.pageSize: {size:?} is no size such as 2MB"
        );
        let value = text(limit.limit());
        writes.push(Write::new(format!("hugetlb.{size}.{suffix}"), &value));
        // Before Linux 5.7 pages are counted only when they are used.
        writes.push(Write::new(format!("hugetlb.{size}.rsvd.{suffix}"), &value).or_ignore());
    }
    Ok(writes)
}
