//! The namespaces of a container: new, joined by a path, or the caller's.

use anyhow::{Result, bail, ensure};
use ns_process::{Clock, Container, Namespace, NamespaceFlags};
use oci_spec::runtime::{Linux, LinuxNamespaceType};

/// The kinds of namespaces that the container does not share with the caller.
#[derive(Clone, Copy)]
pub(crate) struct Set {
    new: NamespaceFlags,
    joined: NamespaceFlags,
}

impl Set {
    /// The namespaces that the configuration names. Each kind may be named once.
    pub(crate) fn of(linux: &Linux) -> Result<Self> {
        let mut set = Self { new: NamespaceFlags::empty(), joined: NamespaceFlags::empty() };
        for namespace in linux.namespaces().iter().flatten() {
            let kind = kind(namespace.typ());
            ensure!(!set.separates(kind), "linux.namespaces: {kind} is named more than once");
            let path = namespace.path().as_ref().filter(|path| !path.as_os_str().is_empty());
            let to = if path.is_some() { &mut set.joined } else { &mut set.new };
            *to |= kind.into();
        }
        Ok(set)
    }

    pub(crate) fn makes(self, kind: Namespace) -> bool {
        self.new.contains(kind.into())
    }

    /// Whether the namespace is not the caller's.
    pub(crate) fn separates(self, kind: Namespace) -> bool {
        (self.new | self.joined).contains(kind.into())
    }
}

/// Sets the namespaces and the offsets of the clocks.
pub(super) fn set(container: &mut Container, linux: &Linux) -> Result<Set> {
    let set = Set::of(linux)?;
    if !set.makes(Namespace::Mnt) {
        bail!("linux.namespaces: a container needs a new mount namespace");
    }
    container.namespaces(set.new);
    for namespace in linux.namespaces().iter().flatten() {
        if let Some(path) = namespace.path().as_ref().filter(|path| !path.as_os_str().is_empty()) {
            ensure!(
                path.is_absolute(),
                "linux.namespaces: the path {} is not absolute",
                path.display()
            );
            container.namespace_file(kind(namespace.typ()), path);
        }
    }
    offsets(container, linux, set)?;
    Ok(set)
}

fn offsets(container: &mut Container, linux: &Linux, set: Set) -> Result<()> {
    for (name, offset) in linux.time_offsets().iter().flatten() {
        ensure!(set.makes(Namespace::Time), "linux.timeOffsets needs a new time namespace");
        let clock = match name.as_str() {
            "monotonic" => Clock::Monotonic,
            "boottime" => Clock::Boottime,
            _ => bail!("linux.timeOffsets: {name:?} is no clock: use monotonic or boottime"),
        };
        let (secs, nanosecs) = (offset.secs().unwrap_or(0), offset.nanosecs().unwrap_or(0));
        container.time_offset(clock, secs, nanosecs);
    }
    Ok(())
}

fn kind(kind: LinuxNamespaceType) -> Namespace {
    match kind {
        LinuxNamespaceType::Mount => Namespace::Mnt,
        LinuxNamespaceType::Cgroup => Namespace::Cgroup,
        LinuxNamespaceType::Uts => Namespace::Uts,
        LinuxNamespaceType::Ipc => Namespace::Ipc,
        LinuxNamespaceType::User => Namespace::User,
        LinuxNamespaceType::Pid => Namespace::Pid,
        LinuxNamespaceType::Network => Namespace::Net,
        LinuxNamespaceType::Time => Namespace::Time,
    }
}
