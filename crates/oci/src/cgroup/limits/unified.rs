//! `linux.resources.unified`: files of version 2 by name.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Result, ensure};

use super::super::write::Write;

pub(super) fn version_2(files: &HashMap<String, String>) -> Result<Vec<Write>> {
    let mut writes = Vec::new();
    for (file, value) in files.iter().collect::<BTreeMap<_, _>>() {
        ensure!(
            !file.contains('/') && file.split_once('.').is_some_and(|(name, _)| !name.is_empty()),
            "linux.resources.unified: {file:?} is no name of a file such as memory.high"
        );
        // One line for each device, as in io.max.
        let lines = value.lines().filter(|line| !line.is_empty());
        writes.extend(lines.map(|line| Write::new(file, line)));
    }
    Ok(writes)
}

/// Version 1 has a hierarchy for each controller, so a file has no place.
pub(super) fn version_1(files: &HashMap<String, String>) -> Result<Vec<Write>> {
    version_2(files)
}
