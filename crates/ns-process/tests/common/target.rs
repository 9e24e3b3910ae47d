//! Processes whose namespaces are joined.

use std::fmt::Display;
use std::fs;
use std::ops::Deref;

use ns_process::{Builder, Container, Namespace, Process};

/// A process that is killed and reaped on drop.
pub(crate) struct Target(Process);

impl Target {
    pub(crate) fn new<Kind>(builder: &Builder<Kind>) -> Self {
        Self(builder.start().expect("a target"))
    }

    /// In new namespaces of every kind except time, because joining a time namespace copies the memory.
    pub(crate) fn in_all() -> Self {
        Self::new(sleep().all().without(Namespace::Time).map_zero().mount_proc())
    }

    /// The file of one of its namespaces.
    pub(crate) fn file(&self, kind: Namespace) -> String {
        format!("/proc/{}/ns/{}", self.pid(), kind.name())
    }
}

impl Deref for Target {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.0
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.kill().and_then(|()| self.join());
    }
}

/// A program that sleeps until it is killed.
pub(crate) fn sleep() -> Container {
    let mut container = Container::new("sleep");
    container.arg("1000");
    container
}

/// A shell script that prints the namespaces of its process, as [`namespaces_of`] returns them.
pub(crate) const PRINT_NAMESPACES: &str =
    "for kind in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$kind; done";

/// The namespaces of a process of proc(5), in the order of [`Namespace::ALL`]; `None` if it has exited.
pub(crate) fn try_namespaces_of(process: impl Display) -> Option<Vec<String>> {
    let link = |kind: Namespace| fs::read_link(format!("/proc/{process}/ns/{}", kind.name())).ok();
    Namespace::ALL.into_iter().map(|kind| Some(link(kind)?.display().to_string())).collect()
}

/// The namespaces of a process of proc(5), in the order of [`Namespace::ALL`].
pub(crate) fn namespaces_of(process: impl Display) -> Vec<String> {
    try_namespaces_of(process).expect("the links in /proc/PID/ns")
}
