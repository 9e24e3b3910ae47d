//! `linux.resources.rdma`.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use oci_spec::runtime::LinuxRdma;

use super::super::write::Write;

pub(super) fn limits(devices: &HashMap<String, LinuxRdma>) -> Result<Vec<Write>> {
    let devices: BTreeMap<_, _> = devices.iter().collect();
    let lines = devices.into_iter().filter_map(|(device, limits)| {
        let handles = limits.hca_handles().map(|count| format!(" hca_handle={count}"));
        let objects = limits.hca_objects().map(|count| format!(" hca_object={count}"));
        let limits: String = handles.into_iter().chain(objects).collect();
        (!limits.is_empty()).then(|| Write::new("rdma.max", format!("{device}{limits}")))
    });
    Ok(lines.collect())
}
