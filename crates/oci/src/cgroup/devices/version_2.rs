//! Attaches the rules to a cgroup of version 2.

use std::os::fd::AsFd;

use anyhow::{Context, Error, Result, bail};
use rustix::io::Errno;

use super::super::directory::Directory;
use super::program::compile;
use super::rules::Rules;

/// The kernel's limit of programs for one cgroup.
const MOST: usize = 64;

/// Attaches a program, in the place of the one that an earlier call attached.
pub(super) fn attach(directory: &Directory, rules: &Rules) -> Result<()> {
    let program = ns_sys::load_cgroup_device(&compile(rules)).map_err(not_loaded)?;
    let mut ids = [0; MOST];
    let ids = ns_sys::cgroup_device_programs(directory, &mut ids).context("list BPF programs")?;
    let replaced = match *ids {
        [] => None,
        [id] => Some(ns_sys::bpf_program_by_id(id).context("open the present BPF program")?),
        _ => bail!("{} BPF programs filter devices there already; detach all but one", ids.len()),
    };
    let replaced = replaced.as_ref().map(AsFd::as_fd);
    ns_sys::attach_cgroup_device(directory, &program, replaced).context("attach a BPF program")
}

fn not_loaded(errno: Errno) -> Error {
    let hint = match errno {
        Errno::PERM => "needs CAP_BPF and CAP_NET_ADMIN in the initial user namespace",
        Errno::NOSYS | Errno::INVAL => "the kernel needs CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF",
        Errno::TOOBIG => "more rules than this kernel takes; use fewer",
        _ => "the kernel refuses the program",
    };
    Error::new(errno).context(format!("load a BPF program: {hint}"))
}
