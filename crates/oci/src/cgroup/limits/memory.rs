//! `linux.resources.memory`.

use anyhow::{Result, bail, ensure};
use oci_spec::runtime::LinuxMemory;

use super::super::directory::Directory;
use super::super::write::Write;
use super::{nonzero, or_max};

const LIMIT: &str = "memory.limit_in_bytes";
const LIMIT_WITH_SWAP: &str = "memory.memsw.limit_in_bytes";

pub(super) fn version_1(memory: &LinuxMemory) -> Result<Vec<Write>> {
    let (limit, swap) = (nonzero(memory.limit()), nonzero(memory.swap()));
    let mut writes = Vec::new();
    writes.extend(limit.map(|limit| Write::new(LIMIT, limit)));
    // The limit with swap stays above the limit.
    let unlimited = (limit == Some(-1)).then(|| Write::new(LIMIT_WITH_SWAP, -1).or_ignore());
    writes.extend(swap.map(|swap| Write::new(LIMIT_WITH_SWAP, swap)).or(unlimited));
    let reservation = nonzero(memory.reservation());
    writes.extend(reservation.map(|value| Write::new("memory.soft_limit_in_bytes", value)));
    if let Some(swappiness) = memory.swappiness() {
        ensure!(
            swappiness <= 100,
            "linux.resources.memory.swappiness: {swappiness} is not from 0 to 100"
        );
        writes.push(Write::new("memory.swappiness", swappiness));
    }
    if memory.disable_oom_killer() == Some(true) {
        writes.push(Write::new("memory.oom_control", 1));
    }
    let hierarchy = memory.use_hierarchy();
    writes.extend(hierarchy.map(|is_used| Write::new("memory.use_hierarchy", u8::from(is_used))));
    Ok(writes)
}

pub(super) fn version_2(memory: &LinuxMemory) -> Result<Vec<Write>> {
    refuse_what_version_2_lacks(memory)?;
    let mut writes = Vec::new();
    writes.extend(nonzero(memory.limit()).map(|limit| Write::new("memory.max", or_max(limit))));
    writes.extend(swap(memory)?.map(|swap| {
        let write = Write::new("memory.swap.max", or_max(swap));
        // Without swap there is nothing to limit, but a number cannot be kept for later.
        if swap <= 0 { write.or_ignore() } else { write }
    }));
    let reservation = nonzero(memory.reservation());
    writes.extend(reservation.map(|value| Write::new("memory.low", or_max(value))));
    Ok(writes)
}

/// The limit of swap alone: the configuration has that of memory and swap.
fn swap(memory: &LinuxMemory) -> Result<Option<i64>> {
    let field = "linux.resources.memory.swap";
    match (nonzero(memory.limit()), nonzero(memory.swap())) {
        (Some(-1), None) | (_, Some(-1)) => Ok(Some(-1)),
        (_, None) => Ok(None),
        (Some(-1), Some(swap)) => Ok(Some(swap)),
        (None, Some(_)) => {
            bail!("{field}: it contains the memory; set linux.resources.memory.limit too")
        }
        (Some(limit), Some(swap)) => {
            ensure!(
                swap >= limit && limit > 0,
                "{field}: {swap} is less than the limit of memory, {limit}"
            );
            Ok(Some(swap - limit))
        }
    }
}

fn refuse_what_version_2_lacks(memory: &LinuxMemory) -> Result<()> {
    let asked = [
        ("swappiness", memory.swappiness().is_some()),
        ("disableOOMKiller", memory.disable_oom_killer() == Some(true)),
        ("useHierarchy", memory.use_hierarchy() == Some(false)),
    ];
    match asked.iter().find(|(_, is_asked)| *is_asked) {
        None => Ok(()),
        Some((field, _)) => {
            bail!(
                "linux.resources.memory.{field}: cgroups of version 2 have no such setting; remove it"
            )
        }
    }
}

/// Fails if a limit is below what is in use and `checkBeforeUpdate` asks for the check.
///
/// Version 1 does this by itself, while version 2 would kill processes.
pub(crate) fn check(memory: &LinuxMemory, directory: &Directory) -> Result<()> {
    let used = directory.read("memory.current").unwrap_or_default();
    let Ok(used) = used.trim().parse::<i64>() else { return Ok(()) };
    for (field, limit) in [("limit", memory.limit()), ("swap", memory.swap())] {
        let limit = limit.filter(|limit| *limit > 0).unwrap_or(i64::MAX);
        ensure!(
            limit > used,
            "linux.resources.memory.{field}: {limit} is not above the {used} bytes in use; choose a higher limit"
        );
    }
    Ok(())
}
