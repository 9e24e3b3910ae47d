//! Reads and writes of block devices.

use serde::Serialize;

use super::super::directory::Directory;
use super::super::place::Version;
use super::{Pressure, is_zero};

#[derive(Serialize, Default, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockIo {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    io_service_bytes_recursive: Vec<Entry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    io_serviced_recursive: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    psi: Option<Pressure>,
}

#[derive(Serialize, Clone, Default, Debug, PartialEq, Eq)]
struct Entry {
    #[serde(skip_serializing_if = "is_zero")]
    major: u64,
    #[serde(skip_serializing_if = "is_zero")]
    minor: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    op: String,
    #[serde(skip_serializing_if = "is_zero")]
    value: u64,
}

/// The files of version 1, of which a kernel has some.
const BYTES: [&str; 3] = [
    "blkio.bfq.io_service_bytes_recursive",
    "blkio.io_service_bytes_recursive",
    "blkio.throttle.io_service_bytes",
];
const COUNTS: [&str; 3] = [
    "blkio.bfq.io_serviced_recursive",
    "blkio.io_serviced_recursive",
    "blkio.throttle.io_serviced",
];

impl BlockIo {
    pub(super) fn read(version: Version, directory: &Directory) -> Self {
        if version == Version::One {
            return Self {
                io_service_bytes_recursive: first(directory, &BYTES),
                io_serviced_recursive: first(directory, &COUNTS),
                psi: None,
            };
        }
        let text = directory.read("io.stat").unwrap_or_default();
        Self {
            io_service_bytes_recursive: version_2(&text, "rbytes", "wbytes"),
            io_serviced_recursive: version_2(&text, "rios", "wios"),
            psi: Pressure::read(directory, "io.pressure"),
        }
    }
}

/// The entries of the first file that has some.
fn first(directory: &Directory, files: &[&str]) -> Vec<Entry> {
    let entries =
        files.iter().filter_map(|file| directory.read(file).ok()).map(|text| version_1(&text));
    entries.into_iter().find(|entries| !entries.is_empty()).unwrap_or_default()
}

/// Parses lines such as `8:0 Read 4096`; the line `Total 4096` is the sum of all.
fn version_1(text: &str) -> Vec<Entry> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (major, minor) = words.next()?.split_once(':')?;
        let (op, value) = match (words.next()?, words.next()) {
            (op, Some(value)) => (op, value),
            (value, None) => ("", value),
        };
        let number = |text: &str| text.parse().ok();
        let op = op.to_owned();
        Some(Entry { major: number(major)?, minor: number(minor)?, op, value: number(value)? })
    };
    text.lines().filter_map(line).collect()
}

/// Parses lines such as `8:0 rbytes=4096 wbytes=0 rios=1 wios=0`.
fn version_2(text: &str, read: &str, written: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for line in text.lines() {
        let Some((device, pairs)) = line.split_once(' ') else { continue };
        for (name, op) in [(read, "Read"), (written, "Write")] {
            let pair = pairs.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            entries.extend(
                pair.into_iter().flat_map(|value| version_1(&format!("{device} {op} {value}"))),
            );
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_have_the_same_entries() {
        let one = version_1("8:0 Read 4096\n8:0 Write 5\n8:16 7\nTotal 4108\n");
        let two = version_2("8:0 rbytes=4096 wbytes=5 rios=1 wios=2\n254:0\n", "rbytes", "wbytes");
        assert_eq!(one[..2], two);
        assert_eq!(one[2], Entry { major: 8, minor: 16, op: String::new(), value: 7 });
        assert_eq!(one.len(), 3);
    }
}
