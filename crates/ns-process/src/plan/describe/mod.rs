//! Describes a plan as a list of system calls.

mod child;
mod intermediate;
mod leaving;

use std::fmt;
use std::prelude::rust_2024::*;
use std::{format, vec};

use ns_sys::CloneFlags;

use super::{Dumpable, Plan};

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
        lines.extend(self.intermediate().into_iter().map(|line| format!("intermediate: {line}")));
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
        let check = format!("readlinkat({:?})", proc.join("self").to_string_lossy());
        // Done once: see `describe_comm`.
        let check = Some(check).filter(|_| !self.has_exec_name());
        let open = format!("open({:?})", proc.join("PID").to_string_lossy());
        check.into_iter().chain([open]).filter(|_| self.writes_files())
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

    /// What the parent does while the child leaves the memory, and afterwards.
    fn after(&self) -> impl Iterator<Item = String> {
        let left = ["futex(child_tid, wait)".to_owned()].into_iter().chain(self.describe_proof());
        let executed =
            (!self.forks() && !self.is_reparented()).then_some("waitid(pidfd, WNOHANG | WNOWAIT)");
        left.chain(executed.map(ToOwned::to_owned))
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}
