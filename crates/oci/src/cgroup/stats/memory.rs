//! Memory, with swap and that of the kernel.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::directory::Directory;
use super::super::place::Version;
use super::{Pressure, is_zero, number, table};

#[derive(Serialize, Default, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Memory {
    #[serde(skip_serializing_if = "is_zero")]
    cache: u64,
    usage: Entry,
    /// Memory and swap together, also in version 2.
    swap: Entry,
    kernel: Entry,
    #[serde(rename = "kernelTCP")]
    kernel_tcp: Entry,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    raw: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    psi: Option<Pressure>,
}

#[derive(Serialize, Default, Clone, Copy, Debug)]
struct Entry {
    limit: u64,
    #[serde(skip_serializing_if = "is_zero")]
    usage: u64,
    #[serde(skip_serializing_if = "is_zero")]
    max: u64,
    failcnt: u64,
}

impl Memory {
    pub(super) fn read(version: Version, directory: &Directory) -> Self {
        let raw = table(directory, "memory.stat");
        let cache = if version == Version::One { "cache" } else { "file" };
        let cache = raw.get(cache).copied().unwrap_or_default();
        if version == Version::Two {
            let psi = Pressure::read(directory, "memory.pressure");
            let usage = Entry::version_2(directory, "memory");
            let swap = Entry::version_2(directory, "memory.swap").with_memory(usage);
            return Self { cache, usage, swap, raw, psi, ..Self::default() };
        }
        Self {
            cache,
            usage: Entry::version_1(directory, "memory"),
            swap: Entry::version_1(directory, "memory.memsw"),
            kernel: Entry::version_1(directory, "memory.kmem"),
            kernel_tcp: Entry::version_1(directory, "memory.kmem.tcp"),
            raw,
            psi: None,
        }
    }
}

impl Entry {
    fn version_1(directory: &Directory, prefix: &str) -> Self {
        let of = |name: &str| number(directory, &format!("{prefix}.{name}")).unwrap_or_default();
        Self {
            limit: of("limit_in_bytes"),
            usage: of("usage_in_bytes"),
            max: of("max_usage_in_bytes"),
            failcnt: of("failcnt"),
        }
    }

    fn version_2(directory: &Directory, prefix: &str) -> Self {
        let of = |name: &str| number(directory, &format!("{prefix}.{name}")).unwrap_or_default();
        Self { limit: of("max"), usage: of("current"), max: of("peak"), failcnt: 0 }
    }

    /// The highest use of both together is not known.
    fn with_memory(self, memory: Self) -> Self {
        let limit = self.limit.saturating_add(memory.limit);
        Self { limit, usage: self.usage + memory.usage, max: 0, failcnt: self.failcnt }
    }
}
