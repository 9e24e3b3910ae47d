//! `features`: prints what this runtime can do.

use anyhow::Result;
use serde_json::Value;

use crate::config::mount_options;
use crate::features::features;

pub(super) fn run() -> Result<()> {
    let mut features = serde_json::to_value(features(mount_options()))?;
    remove_null(&mut features);
    super::print(&format!("{}\n", serde_json::to_string_pretty(&features)?))
}

/// The specification omits what a runtime does not tell.
fn remove_null(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    fields.retain(|_, field| !field.is_null());
    fields.values_mut().for_each(remove_null);
}
