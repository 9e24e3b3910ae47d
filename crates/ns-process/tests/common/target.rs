//! A process that is entered.

use std::ops::Deref;

use ns_process::{Builder, Container, Namespace, Process};

/// Gone, and reaped, when it is dropped.
pub(crate) struct Target(Process);

impl Target {
    pub(crate) fn new<Kind>(container: &Builder<Kind>) -> Self {
        Self(container.start().expect("a target"))
    }

    /// In all namespaces but a time namespace, which costs a copy of memory.
    pub(crate) fn in_all() -> Self {
        let mut container = Container::new("sleep");
        Self::new(container.arg("1000").all().without(Namespace::Time).map_zero().mount_proc())
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
