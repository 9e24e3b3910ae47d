//! Huge pages, by size.

use std::collections::BTreeMap;
use std::fs;

use serde::Serialize;

use super::super::directory::Directory;
use super::super::place::Version;
use super::{is_zero, number, table};

#[derive(Serialize, Default, Debug)]
pub(super) struct Pages {
    #[serde(skip_serializing_if = "is_zero")]
    usage: u64,
    #[serde(skip_serializing_if = "is_zero")]
    max: u64,
    failcnt: u64,
}

pub(super) fn read(version: Version, directory: &Directory) -> BTreeMap<String, Pages> {
    sizes().into_iter().map(|size| (size.clone(), pages(version, directory, &size))).collect()
}

/// Reservations if the kernel counts them, else what is used.
fn pages(version: Version, directory: &Directory, size: &str) -> Pages {
    let of = |name: &str| {
        let reserved = number(directory, &format!("hugetlb.{size}.rsvd.{name}"));
        reserved
            .or_else(|| number(directory, &format!("hugetlb.{size}.{name}")))
            .unwrap_or_default()
    };
    match version {
        Version::One => Pages {
            usage: of("usage_in_bytes"),
            max: of("max_usage_in_bytes"),
            failcnt: of("failcnt"),
        },
        Version::Two => {
            let events = table(directory, &format!("hugetlb.{size}.events"));
            let failcnt = events.get("max").copied().unwrap_or_default();
            Pages { usage: of("current"), max: 0, failcnt }
        }
    }
}

/// The sizes of this machine, as the names of files have them.
fn sizes() -> Vec<String> {
    let entries = fs::read_dir("/sys/kernel/mm/hugepages").into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| size(&name)).collect()
}

/// `2MB` for `hugepages-2048kB`.
fn size(name: &str) -> Option<String> {
    let kilobytes: u64 = name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
    Some(match kilobytes {
        0x400..0x10_0000 => format!("{}MB", kilobytes >> 10),
        0x10_0000.. => format!("{}GB", kilobytes >> 20),
        _ => format!("{kilobytes}KB"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_named_as_the_files() {
        let names = ["hugepages-64kB", "hugepages-2048kB", "hugepages-1048576kB", "other"];
        let expected = [Some("64KB"), Some("2MB"), Some("1GB"), None];
        assert_eq!(names.map(size), expected.map(|size| size.map(str::to_owned)));
    }
}
