//! What config.json means: each field becomes a setting of `ns_process`, or an error.

pub(crate) mod capabilities;
pub(crate) mod devices;
mod ids;
mod labels;
mod limits;
pub(crate) mod mount;
mod namespaces;
mod owner;
pub(crate) mod passwd;
mod process;
mod root;
mod scheduling;
mod unsupported;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use ns_process::{Builder, Container};
use oci_spec::runtime::Linux;

pub(crate) use owner::cgroup_owner;
pub(crate) use process::{Environment, configure};

use crate::bundle::Bundle;
use crate::cgroup::Cgroup;
use crate::listener::Listener;
use crate::seccomp;

/// The container of a bundle, without what only `create` knows: gate, terminal, hooks.
pub(crate) fn container(bundle: &Bundle, cgroup: &Cgroup, no_pivot: bool) -> Result<Container> {
    unsupported::check(&bundle.spec)?;
    let (process, linux) = (bundle.process()?, bundle.linux()?);
    let rootfs = bundle.rootfs()?;
    let program = program(process)?;
    let mut container = Container::new(program);
    let namespaces = namespaces::set(&mut container, linux)?;
    ids::map(&mut container, linux)?;
    names(&mut container, &bundle.spec, namespaces)?;
    root::set(&mut container, bundle, &rootfs, cgroup, no_pivot)?;
    configure(&mut container, process, &Environment::of_root(&rootfs))?;
    if let Some(adjustment) = process.oom_score_adj() {
        container.oom_score_adj(adjustment);
    }
    for (name, value) in linux.sysctl().iter().flatten() {
        container.sysctl(name, value);
    }
    if let Some(personality) = linux.personality() {
        container.personality(scheduling::personality(personality)?);
    }
    Ok(container)
}

/// The options that a mount can have, besides those of its file system.
pub(crate) fn mount_options() -> Vec<String> {
    mount::options::known()
}

/// Sets the filter of system calls. Returns its listener, if some calls wait for one.
pub(crate) fn filter<Kind>(builder: &mut Builder<Kind>, linux: &Linux) -> Result<Option<Listener>> {
    let Some(config) = linux.seccomp() else { return Ok(None) };
    let filter = seccomp::compile(config)?;
    builder.seccomp(filter.program).seccomp_flags(filter.flags);
    filter.needs_listener.then(|| Listener::of(builder, config)).transpose()
}

/// The first argument is the program.
fn program(process: &oci_spec::runtime::Process) -> Result<&Path> {
    let program = process.args().iter().flatten().next();
    Ok(Path::new(program.context("config.json: `process.args` is empty")?))
}

/// Host name and domain name, and the loopback interface, which engines expect to be up.
fn names(
    container: &mut Container,
    spec: &oci_spec::runtime::Spec,
    namespaces: namespaces::Set,
) -> Result<()> {
    for (field, name) in [("hostname", spec.hostname()), ("domainname", spec.domainname())] {
        let Some(name) = name.as_ref().filter(|name| !name.is_empty()) else { continue };
        ensure!(
            namespaces.separates(ns_process::Namespace::Uts),
            "config.json: `{field}` needs a new or joined uts namespace"
        );
        if field == "hostname" {
            container.hostname(name)
        } else {
            container.domainname(name)
        };
    }
    if namespaces.makes(ns_process::Namespace::Net) {
        container.loopback();
    }
    Ok(())
}
