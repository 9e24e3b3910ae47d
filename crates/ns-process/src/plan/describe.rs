//! Describes a plan as a list of system calls.

use std::fmt;
use std::prelude::rust_2024::*;
use std::{format, vec};

use ns_sys::{CloneFlags, NamespaceFlags, UnshareFlags};

use super::{Dumpable, Plan};
use crate::in_child::{Dispositions, HookPoint};
use crate::settings::Program;

/// The steps of a start in order, one per line, as system calls. Nothing has been run.
///
/// Calls that close descriptors of the start, and the mmap(2) of the stack in the first start of a thread, are left
/// out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(Vec<String>);

impl Plan {
    /// Lists the steps of a start in order, each line with the process that runs the step.
    ///
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// let plan = Container::new("true").namespace(Namespace::Uts).plan()?;
    /// println!("{}", plan.describe());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn describe(&self) -> Description {
        let memory = if self.expected_route().copies_memory() { "copied" } else { "shared" };
        let tail = if self.work.closure().is_some() { "closure" } else { "exec" };
        let mut lines = vec![format!("memory: {memory}; tail: {tail}")];
        if self.flag().is_some_and(|flag| flag != Dumpable::AsIs) {
            lines.push("memory: copied where another start holds the dumpable flag".to_owned());
        }
        lines.extend(self.before().map(|line| format!("parent: {line}")));
        lines.extend(self.intermediate().map(|line| format!("intermediate: {line}")));
        lines.extend(self.child());
        lines.extend(self.after().map(|line| format!("parent: {line}")));
        Description(lines)
    }

    fn before(&self) -> impl Iterator<Item = String> {
        let watch = "pidfd_open(own thread, PIDFD_THREAD); prctl(PR_GET_TID_ADDRESS)";
        let watch = self.watches_parent().then(|| watch.to_owned());
        let clearing = |at: Dumpable| {
            let line = "prctl(PR_GET_DUMPABLE); prctl(PR_SET_DUMPABLE, 0)";
            (self.flag() == Some(at)).then(|| line.to_owned())
        };
        let lock = self.takes_lock().then(|| "fstat(file of the record locks)".to_owned());
        let mask = ["rt_sigprocmask(all)".to_owned()];
        let clone = [self.clone_line(), "rt_sigprocmask(former)".to_owned()];
        let copy = (self.forks() && self.expected_route().has_intermediate())
            .then_some("pidfd_open(the copy); futex(go, wake)");
        let pid = self.expected_route().intermediate_reports().then_some("futex(pid, wait)");
        let copy = copy.into_iter().chain(pid).map(ToOwned::to_owned);
        let child_pidfd = self.forks().then(|| "pidfd_open(the child)".to_owned());
        let made = (!self.made_inside().is_empty()).then(|| "futex(made, wait)".to_owned());
        let go = self.needs_go().then(|| "futex(go, wake)".to_owned());
        self.streams
            .describe_opening()
            .into_iter()
            .chain(self.join.describe_opening())
            .chain(self.join.describe_following())
            .chain(watch)
            .chain(self.forks().then(|| "get_robust_list()".to_owned()))
            .chain(lock)
            .chain(clearing(Dumpable::Cleared))
            .chain(mask)
            .chain(clone)
            .chain(copy)
            .chain(child_pidfd)
            .chain(self.describe_comm())
            .chain(self.join.describe_cgroups())
            .chain(made)
            .chain(self.describe_proc_dir())
            .chain(self.maps.describe())
            .chain(self.time_offsets.iter().map(|text| format!("write(timens_offsets, {text:?})")))
            .chain(clearing(Dumpable::ClearedAtGo))
            .chain(self.hooks.0.iter().map(|_| "before_go".to_owned()))
            .chain(go)
    }

    /// The child's directory in proc, after a check that this proc shows the process IDs of the caller's pid namespace.
    fn describe_proc_dir(&self) -> impl Iterator<Item = String> {
        let proc = &self.maps.proc;
        let lines = [
            format!("readlinkat({:?})", proc.join("self").to_string_lossy()),
            format!("open({:?})", proc.join("PID").to_string_lossy()),
        ];
        lines.into_iter().filter(|_| self.writes_files())
    }

    fn clone_line(&self) -> String {
        if self.forks() {
            return "fork()".to_owned();
        }
        let cgroup = self.cgroup_flag();
        if !self.expected_route().has_intermediate() {
            return format!("clone3({})", self.flags | CloneFlags::PIDFD | cgroup);
        }
        let memory = if self.expected_route().copies_memory() {
            CloneFlags::empty()
        } else {
            CloneFlags::VM
        };
        let shared = CloneFlags::FILES | CloneFlags::CLEAR_SIGHAND | CloneFlags::UNTRACED;
        format!("clone3({})", CloneFlags::PIDFD | memory | shared | CloneFlags::CHILD_CLEARTID)
    }

    fn cgroup_flag(&self) -> CloneFlags {
        self.cgroup.as_ref().map_or(CloneFlags::empty(), |_| CloneFlags::INTO_CGROUP)
    }

    /// The intermediate process, which joins namespaces or has a copy of the memory, and makes the child.
    fn intermediate(&self) -> impl Iterator<Item = String> {
        let exists = self.expected_route().has_intermediate();
        let announce = (exists && self.expected_route().copies_memory())
            .then(|| "set_robust_list(child_tid)".to_owned());
        let parent = if self.is_reparented() { CloneFlags::empty() } else { CloneFlags::PARENT };
        let flags = self.flags | CloneFlags::PARENT_SETTID | parent | self.cgroup_flag();
        let flags = if self.forks() {
            flags.difference(CloneFlags::VM | CloneFlags::NEWTIME) | CloneFlags::CHILD_SETTID
        } else {
            flags | CloneFlags::PIDFD
        };
        let clone = exists.then(|| format!("clone3({flags})"));
        let parent_pid = exists.then(|| "getppid()".to_owned());
        let wake =
            self.expected_route().intermediate_reports().then(|| "futex(pid, wake)".to_owned());
        let go = (self.forks() && exists).then(|| "futex(go, wait)".to_owned());
        let no_core = self.limits.describe_no_core().filter(move |_| exists);
        let label = self.label(true).filter(move |_| exists);
        let join =
            label.chain(self.join.describe(self.joins_optimistically()).filter(move |_| exists));
        announce
            .into_iter()
            .chain(parent_pid)
            .chain(self.describe_own_flag().filter(move |_| exists))
            .chain(no_core)
            .chain(self.describe_leaving())
            .chain(join)
            .chain(clone)
            .chain(wake)
            .chain(go)
            .chain(self.describe_staying())
    }

    /// What the parent does while the child leaves the memory, and afterwards.
    fn after(&self) -> impl Iterator<Item = String> {
        let left = ["futex(child_tid, wait)".to_owned()].into_iter().chain(self.describe_proof());
        let executed =
            (!self.forks() && !self.is_reparented()).then_some("waitid(pidfd, WNOHANG | WNOWAIT)");
        left.chain(executed.map(ToOwned::to_owned))
    }

    /// In the order of `in_child::order`.
    fn child(&self) -> Vec<String> {
        let (place, close) = self.streams.describe_placing();
        let own = self.session.describe().chain(place);
        if self.init.is_none() {
            let last = self.session.describe_death().chain(close);
            let last =
                self.hooks_between().chain(self.drop_privileges(last, "none")).chain(self.target());
            return labelled("child", self.setup().chain(own).chain(last));
        }
        let wait = self.session.describe_death().chain(self.describe_wait_for_program());
        let init = self.setup().chain(self.describe_fork_program());
        let init =
            init.chain(self.drop_privileges(wait, "all")).chain(["execveat(init)".to_owned()]);
        let program =
            self.announce().chain(self.lock_line()).chain(own).chain(self.hooks_between());
        let program = program.chain(self.drop_privileges(close.into_iter(), "none"));
        [labelled("init", init), labelled("child", program.chain(self.target()))].concat()
    }

    /// The setup that pid 1 of an init makes for itself and the program.
    fn setup(&self) -> impl Iterator<Item = String> {
        let go = self.needs_go().then(|| "futex(go, wait)".to_owned());
        let own = self.own_dumpable(self.join.kinds(), true, false);
        let cleared = (self.expected_route().copies_memory() && own.cleared_at_go)
            .then(|| "prctl(PR_SET_DUMPABLE, 0)".to_owned());
        self.announce()
            .chain(self.lock_line())
            .chain(self.describe_own_flag().filter(|_| !self.expected_route().has_intermediate()))
            .chain(self.resetting())
            .chain(
                self.limits
                    .describe_no_core()
                    .filter(|_| !self.expected_route().has_intermediate()),
            )
            .chain(self.label(true).filter(|_| !self.expected_route().has_intermediate()))
            .chain(
                self.join
                    .describe(self.joins_optimistically())
                    .filter(|_| !self.expected_route().has_intermediate()),
            )
            .chain(self.creating())
            .chain(go)
            .chain(cleared)
            .chain(self.joining_time())
            .chain(self.ids.describe_zero())
            .chain(self.root.describe_detaching())
            .chain(self.hooks_at(HookPoint::PreUp))
            .chain(self.label(false))
            .chain(self.join.describe_root())
            .chain(self.root.describe())
            .chain(self.names.describe())
    }

    fn announce(&self) -> impl Iterator<Item = String> {
        self.expected_route()
            .copies_memory()
            .then(|| "set_robust_list(child_tid)".to_owned())
            .into_iter()
    }

    fn hooks_between(&self) -> impl Iterator<Item = String> {
        [HookPoint::ExceptUp, HookPoint::PostUp, HookPoint::PreExec]
            .into_iter()
            .flat_map(|point| self.hooks_at(point))
    }

    /// The drop of privileges. `between` are the steps before those that a filter may forbid.
    fn drop_privileges(
        &self,
        between: impl Iterator<Item = String>,
        blocked: &str,
    ) -> impl Iterator<Item = String> {
        self.limits
            .describe()
            .chain(self.privileges.describe_keep())
            .chain(self.ids.describe())
            .chain(self.privileges.describe_no_new_privs())
            .chain(between)
            .chain(self.name_line())
            .chain(self.privileges.describe_early())
            .chain(self.join.describe_limits())
            .chain(self.privileges.describe_capabilities())
            .chain([format!("rt_sigprocmask({blocked})")])
            .chain(self.limits.describe_core())
            .chain(self.privileges.describe_last())
    }

    fn target(&self) -> impl Iterator<Item = String> {
        let program = self.work.program();
        let exec = program.into_iter().flat_map(Program::candidates);
        let exec = exec.map(|path| format!("execve({path:?})"));
        let closure = ["set_robust_list(libc's)", "closure", "_exit"].map(ToOwned::to_owned);
        let closure = self.work.closure().map(|_| closure);
        exec.chain(closure.into_iter().flatten())
            .chain(self.hooks_at(HookPoint::ExceptExec))
            .chain(self.hooks_at(HookPoint::PostExec))
    }

    /// The hooks in the child, by the names of their setters.
    fn hooks_at(&self, point: HookPoint) -> impl Iterator<Item = String> {
        self.child_hooks.at(point).map(move |_| point.name().to_owned())
    }

    /// The namespaces that the child creates with unshare(2).
    fn creating(&self) -> impl Iterator<Item = String> {
        let created = UnshareFlags::from(self.made_inside());
        let lines = [format!("unshare({created})"), "futex(made, wake)".to_owned()];
        lines.into_iter().filter(move |_| !created.is_empty())
    }

    /// The time namespace among them, which the child joins.
    fn joining_time(&self) -> Option<String> {
        self.made_inside().contains(NamespaceFlags::TIME).then(|| "setns(time)".to_owned())
    }

    /// The exec label: before the join if a mount namespace is joined (`early`), else after the release.
    fn label(&self, early: bool) -> impl Iterator<Item = String> {
        let joins_mounts = self.join.kinds().contains(NamespaceFlags::MNT);
        self.privileges.describe_label().filter(move |_| early == joins_mounts)
    }

    fn resetting(&self) -> impl Iterator<Item = String> {
        let line = match self.dispositions() {
            Dispositions::Kept => None,
            Dispositions::Handled => Some("rt_sigaction(1 to 64, SIG_DFL if handled)"),
            Dispositions::All => Some("rt_sigaction(1 to 64, SIG_DFL)"),
        };
        line.map(ToOwned::to_owned).into_iter()
    }
}

fn labelled(side: &str, lines: impl Iterator<Item = String>) -> Vec<String> {
    lines.map(|line| format!("{side}: {line}")).collect()
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}
