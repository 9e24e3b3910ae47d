//! The fields of `linux.resources`, as values for files.
#![expect(
    clippy::unnecessary_wraps,
    clippy::trivially_copy_pass_by_ref,
    reason = "the functions of all fields have one type"
)]

mod block_io;
mod cpu;
mod hugetlb;
mod memory;
mod network;
mod pids;
mod rdma;
mod unified;

use anyhow::{Result, bail};
use oci_spec::runtime::LinuxResources;

use super::place::Version;
use super::write::{Group, Write};

/// Why there is no hierarchy for a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// The engine asked for no cgroup.
    Unused,
    Missing,
    /// A rootless runtime may not make a cgroup.
    Denied,
}

impl Absent {
    fn reason(self) -> &'static str {
        match self {
            Self::Unused => "the container has no cgroup; use one, or remove the limit",
            Self::Missing => "no mounted cgroup hierarchy has it; mount one, or remove the limit",
            Self::Denied => {
                "the container has no cgroup there: none is used, or this user may not make one; delegate one and set \
                 linux.cgroupsPath, or remove the limit"
            }
        }
    }
}

/// Computes the values for a field. No value means that nothing is asked for.
type Compile<T> = fn(&T) -> Result<Vec<Write>>;

/// Computes all values. `find` returns the version of the hierarchy with a controller.
pub(super) fn compile(
    resources: &LinuxResources,
    find: impl Fn(&'static str) -> Result<Version, Absent>,
) -> Result<Vec<Group>> {
    let mut groups = Groups { find, groups: Vec::new() };
    groups.add(
        "memory",
        "memory",
        resources.memory().as_ref(),
        memory::version_1,
        memory::version_2,
    )?;
    groups.add("cpu", "cpu", resources.cpu().as_ref(), cpu::version_1, cpu::version_2)?;
    groups.add(
        "cpu",
        "cpuset",
        resources.cpu().as_ref(),
        cpu::set_version_1,
        cpu::set_version_2,
    )?;
    groups.add("pids", "pids", resources.pids().as_ref(), pids::limit, pids::limit)?;
    let block_io = resources.block_io().as_ref();
    groups.add("blockIO", "blkio", block_io, block_io::version_1, block_io::version_2)?;
    let pages = resources.hugepage_limits().as_deref();
    groups.add("hugepageLimits", "hugetlb", pages, hugetlb::version_1, hugetlb::version_2)?;
    let network = resources.network().as_ref();
    groups.add("network.classID", "net_cls", network, network::class, network::class_version_2)?;
    let priorities = network::priorities;
    groups.add(
        "network.priorities",
        "net_prio",
        network,
        priorities,
        network::priorities_version_2,
    )?;
    groups.add("rdma", "rdma", resources.rdma().as_ref(), rdma::limits, rdma::limits)?;
    // The last, so that it can change what the other fields set.
    groups.add(
        "unified",
        "",
        resources.unified().as_ref(),
        unified::version_1,
        unified::version_2,
    )?;
    Ok(groups.groups)
}

struct Groups<F> {
    find: F,
    groups: Vec<Group>,
}

impl<F: Fn(&'static str) -> Result<Version, Absent>> Groups<F> {
    fn add<T: ?Sized>(
        &mut self,
        field: &'static str,
        controller: &'static str,
        asked: Option<&T>,
        version_1: Compile<T>,
        version_2: Compile<T>,
    ) -> Result<()> {
        let Some(asked) = asked else { return Ok(()) };
        let (version, writes) = match (self.find)(controller) {
            Ok(Version::One) => (Version::One, version_1(asked)?),
            Ok(Version::Two) => (Version::Two, version_2(asked)?),
            Err(absent) => return refuse(field, controller, absent, &version_1(asked)),
        };
        if !writes.is_empty() {
            self.groups.push(Group { field, controller, version, writes });
        }
        Ok(())
    }
}

/// Fails if something is asked for.
fn refuse(field: &str, controller: &str, absent: Absent, asked: &Result<Vec<Write>>) -> Result<()> {
    if asked.as_ref().is_ok_and(Vec::is_empty) {
        return Ok(());
    }
    let name = if controller.is_empty() { "version 2" } else { controller };
    bail!("set linux.resources.{field}: it needs the cgroup controller {name}: {}", absent.reason())
}

/// `None` for 0, with which engines say that nothing is asked for.
fn nonzero<T: PartialEq + Default>(value: Option<T>) -> Option<T> {
    value.filter(|value| *value != T::default())
}

/// The text of version 2, in which a negative number means no limit.
fn or_max(value: i64) -> String {
    if value < 0 { "max".to_owned() } else { value.to_string() }
}

/// Checks `memory.checkBeforeUpdate`.
pub(super) use memory::check;
