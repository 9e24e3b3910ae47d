//! The fixture of a start: the process whose namespaces it joins, and the trace of its hooks.

use ns_process::{Container, Namespace, NamespaceFlags, Process};

use super::hooks::{HookPoint, Progress};
use super::mode::StartMode;
use super::running::Running;
use super::trace::Trace;

/// Lives as long as the started process is checked.
#[derive(Debug)]
pub(super) struct Fixture {
    target: Option<Target>,
    trace: Trace,
}

/// A process whose namespaces are joined. It is killed on drop.
#[derive(Debug)]
struct Target(Process);

impl Fixture {
    pub(super) fn new(mode: &StartMode) -> Self {
        let target = (!mode.joined.is_empty()).then(|| Target::new(mode.joined));
        Self { target, trace: Trace::new() }
    }

    /// Adds the namespaces to join and the hooks.
    pub(super) fn apply(&self, mode: &StartMode, container: &mut Container) {
        if let Some(target) = &self.target {
            for kind in mode.joined.kinds() {
                container.namespace_file(kind, target.file(kind));
            }
        }
        for point in &mode.child_code.hooks {
            point.register(container, self.trace.hook(*point));
        }
    }

    /// Returns the namespace of the target process, as its link in /proc shows it.
    pub(super) fn link(&self, kind: Namespace) -> String {
        let target = self.target.as_ref().expect("a target");
        let link = std::fs::read_link(target.file(kind)).expect("read a link of the process");
        link.to_string_lossy().into_owned()
    }

    /// Checks that the right hooks have run, in order and once, and that each received this process ID.
    pub(super) fn check_hooks(&self, mode: &StartMode, progress: Progress, pid: Option<u32>) {
        let entries = self.trace.entries();
        let ran: Vec<HookPoint> = entries.iter().map(|(point, _)| *point).collect();
        let expected = mode.child_code.hooks.iter().copied().filter(|point| point.is_due(progress));
        assert_eq!(ran, expected.collect::<Vec<_>>(), "hooks, {progress:?}, {mode:?}");
        let is_right = |received: u32| pid.is_none_or(|pid| pid == received);
        let all_right = entries.iter().all(|(_, received)| is_right(*received));
        assert!(all_right, "{entries:?}, the process ID is {pid:?}");
    }
}

impl Target {
    fn new(kinds: NamespaceFlags) -> Self {
        let mut container = Container::new("sleep");
        container.arg("60").namespaces(kinds.kinds());
        if kinds.contains(NamespaceFlags::USER) {
            container.map_zero();
        }
        let process = container.start().expect("start the target process");
        // Wait: it enters its new time namespace shortly after the start has returned.
        Running::new(&process, &StartMode::default());
        Self(process)
    }

    fn file(&self, kind: Namespace) -> String {
        format!("/proc/{}/ns/{}", self.0.pid(), kind.name())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.join()).expect("kill the target process");
    }
}
