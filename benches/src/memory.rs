//! Resident memory of the measuring process.

use std::hint::black_box;

/// A megabyte.
pub const MB: usize = 1 << 20;

/// A gigabyte.
pub const GB: usize = 1 << 30;

const PAGE: usize = 4096;

/// Allocates `bytes` bytes and touches every page.
pub fn resident(bytes: usize) -> Vec<u8> {
    let mut memory = vec![0; bytes];
    memory.iter_mut().step_by(PAGE).for_each(|byte| *byte = 1);
    black_box(memory)
}

/// Returns the number of available bytes, or 0 if the kernel does not report it.
pub fn available() -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kilobytes.map_or(0, |kilobytes| kilobytes << 10)
}
