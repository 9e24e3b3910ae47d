//! What a start needs besides its wish: the process whose namespaces it joins, and a page for hooks.

use ns_process::{Container, Namespace, NamespaceFlags, Process};

use super::hooks::{Moment, Went};
use super::running::Running;
use super::trace::Trace;
use super::way::Way;

/// There for as long as the start is looked at.
#[derive(Debug)]
pub(super) struct Surroundings {
    entered: Option<Entered>,
    trace: Trace,
}

/// A process that is entered, and ends with this.
#[derive(Debug)]
struct Entered(Process);

impl Surroundings {
    pub(super) fn new(way: &Way) -> Self {
        let entered = (!way.joined.is_empty()).then(|| Entered::new(way.joined));
        Self { entered, trace: Trace::new() }
    }

    /// Joins and hooks, as wished for.
    pub(super) fn give(&self, way: &Way, container: &mut Container) {
        if let Some(entered) = &self.entered {
            for kind in way.joined.kinds() {
                container.namespace_file(kind, entered.file(kind));
            }
        }
        for moment in &way.guest.hooks {
            moment.give(container, self.trace.hook(*moment));
        }
    }

    /// The namespace of the process that is entered, as links in proc show it.
    pub(super) fn link(&self, kind: Namespace) -> String {
        let entered = self.entered.as_ref().expect("something is joined");
        let link = std::fs::read_link(entered.file(kind)).expect("a link of the process");
        link.to_string_lossy().into_owned()
    }

    /// Those of the wished hooks have run that were due, in order, each once; and were told this id.
    pub(super) fn check_hooks(&self, way: &Way, went: Went, pid: Option<u32>) {
        let so_far = self.trace.so_far();
        let ran: Vec<Moment> = so_far.iter().map(|(moment, _)| *moment).collect();
        let due = way.guest.hooks.iter().copied().filter(|moment| moment.is_due(went));
        assert_eq!(ran, due.collect::<Vec<_>>(), "hooks, {went:?}, {way:?}");
        let right = |told: u32| pid.is_none_or(|pid| pid == told);
        assert!(so_far.iter().all(|(_, told)| right(*told)), "{so_far:?}, it is {pid:?}");
    }
}

impl Entered {
    fn new(kinds: NamespaceFlags) -> Self {
        let mut container = Container::new("sleep");
        container.arg("60").namespaces(kinds.kinds());
        if kinds.contains(NamespaceFlags::USER) {
            container.map_zero();
        }
        let process = container.start().expect("a process to enter");
        // It is in a new time namespace a moment after the start knows of the exec.
        Running::new(&process, &Way::default());
        Self(process)
    }

    fn file(&self, kind: Namespace) -> String {
        format!("/proc/{}/ns/{}", self.0.pid(), kind.name())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.join()).expect("the end of the entered process");
    }
}
