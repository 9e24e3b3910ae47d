//! Memory that the measuring process has resident.

use std::hint::black_box;

/// A megabyte.
pub const MB: usize = 1 << 20;

/// A gigabyte.
pub const GB: usize = 1 << 30;

const PAGE: usize = 4096;

/// So many bytes, every page touched.
pub fn resident(bytes: usize) -> Vec<u8> {
    let mut memory = vec![0; bytes];
    memory.iter_mut().step_by(PAGE).for_each(|byte| *byte = 1);
    black_box(memory)
}

/// How many bytes can be had without taking them from others; none where the kernel does not tell.
pub fn available() -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kilobytes.map_or(0, |kilobytes| kilobytes << 10)
}
