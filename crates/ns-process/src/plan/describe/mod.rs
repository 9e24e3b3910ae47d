//! Describes a plan as a list of system calls.

mod child;
mod purpose;

use std::fmt;
use std::prelude::rust_2024::*;
use std::{format, vec};

use ns_sys::CloneFlags;

use super::{Dumpable, Intermediate, Plan};
use purpose::{explained, with_words};

/// The steps of a start in order, one per line, as system calls. Nothing has been run.
///
/// The calls are those of the kernel, with the names of flags, limits, signals and capabilities. Words after `#` describe
/// their purpose.
///
/// Calls that close descriptors of the start, and the mmap(2) of the stack in the first start of a thread, are left
/// out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(Vec<String>);

impl Plan {
    /// Lists the steps of a start in order, each line with the process that runs the step.
    ///
    /// If the target of an [`Inject`](crate::Inject) is in the caller's namespaces, the list has a line about it.
    ///
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// let plan = Container::new("true").namespace(Namespace::Uts).plan()?;
    /// println!("{}", plan.describe());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn describe(&self) -> Description {
        let mut lines = vec![format!("memory: {}", self.describe_memory())];
        if self.flag().is_some_and(|flag| flag != Dumpable::AsIs) {
            let copied =
                "memory: copied instead, if another start has cleared the dumpable attribute";
            lines.push(copied.to_owned());
        }
        lines.extend(self.describe_nothing_joined().map(|line| format!("parent: {line}")));
        lines.extend(self.before().map(|line| format!("parent: {line}")));
        lines.extend(self.intermediate().into_iter().map(|line| format!("intermediate: {line}")));
        lines.extend(self.child());
        lines.extend(self.after().map(|line| format!("parent: {line}")));
        Description(lines)
    }

    /// How the child gets its memory.
    fn describe_memory(&self) -> &'static str {
        match (self.expected_route().copies_memory(), self.work.closure()) {
            (false, _) => "shared with the caller until the program is executed",
            (true, None) => "copied from the caller, then the program is executed",
            (true, Some(_)) => "copied from the caller, then the closure runs",
        }
    }

    fn before(&self) -> impl Iterator<Item = String> {
        let route = self.expected_route();
        let clearing = |at: Dumpable| {
            let calls = "prctl(PR_GET_DUMPABLE); prctl(PR_SET_DUMPABLE, 0)";
            let words = "other processes may not inspect the child, which shares the memory";
            line(self.flag() == Some(at), &with_words(calls, words))
        };
        let watch = "pidfd_open(own thread, PIDFD_THREAD); prctl(PR_GET_TID_ADDRESS)";
        let watch = with_words(watch, "the child detects with it that the caller has exited");
        let lock =
            with_words("fstat(file of the record locks)", "the lock that the child will hold");
        let waits_for_copy = self.forks() && route.has_intermediate();
        self.streams
            .describe_opening()
            .into_iter()
            .chain(self.join.describe_opening())
            .chain(self.join.describe_following())
            .chain(line(self.watches_parent(), &watch))
            .chain(self.sysctls.describe_opening(&self.maps.proc))
            .chain(line(self.forks(), "get_robust_list()"))
            .chain(line(self.takes_lock(), &lock))
            .chain(clearing(Dumpable::Cleared))
            .chain([with_words("rt_sigprocmask(SIG_SETMASK, all)", "no handler runs in the child")])
            .chain([with_words(&self.clone_line(), "create the child")])
            .chain(["rt_sigprocmask(SIG_SETMASK, former mask)".to_owned()])
            .chain(line(waits_for_copy, "pidfd_open(the copy); futex(go, wake)"))
            .chain(line(route.intermediate_reports(), "futex(pid, wait)"))
            .chain(line(self.forks(), "pidfd_open(the child)"))
            .chain(self.describe_comm())
            .chain(self.join.describe_cgroups())
            .chain(line(!self.made_inside().is_empty(), "futex(made, wait)"))
            .chain(self.describe_proc_dir())
            .chain(self.maps.describe())
            .chain(self.time_offsets.iter().map(|text| format!("write(timens_offsets, {text:?})")))
            .chain(clearing(Dumpable::ClearedAtGo))
            .chain(
                self.hooks
                    .0
                    .iter()
                    .map(|_| with_words("before_go", "a function of the caller runs")),
            )
            .chain(line(self.needs_go(), &with_words("futex(go, wake)", "release the child")))
            .chain(self.describe_pivot_hooks())
    }

    /// The hooks between the mounts of the child and its change of root.
    fn describe_pivot_hooks(&self) -> Vec<String> {
        let hooks = self.pivot_hooks.0.iter();
        let hooks = hooks.map(|_| with_words("before_pivot", "a function of the caller runs"));
        let wait = with_words("futex(mounted, wait)", "the child has made its mounts");
        let wake = with_words("futex(pivot, wake)", "release the child");
        let all: Vec<_> = [wait].into_iter().chain(hooks).chain([wake]).collect();
        if self.pivot_hooks.0.is_empty() { Vec::new() } else { all }
    }

    /// The file with the name of the child, by which the caller sees whether it has executed.
    fn describe_comm(&self) -> impl Iterator<Item = String> {
        let proc = &self.maps.proc;
        let comm = format!("open({:?})", proc.join("PID/comm").to_string_lossy());
        let lines = [self.describe_proc_check(), with_words(&comm, "the name of the child")];
        lines.into_iter().filter(|_| self.has_exec_name())
    }

    /// The check that proc shows the process IDs of the caller's pid namespace.
    fn describe_proc_check(&self) -> String {
        let path = self.maps.proc.join("self");
        let line = format!("readlinkat({:?})", path.to_string_lossy());
        with_words(&line, "it is the proc of the caller's pid namespace")
    }

    /// The child's directory in proc, after a check that this proc shows the process IDs of the caller's pid namespace.
    fn describe_proc_dir(&self) -> impl Iterator<Item = String> {
        let proc = &self.maps.proc;
        let check = self.describe_proc_check();
        // Done once: see `describe_comm`.
        let check = Some(check).filter(|_| !self.has_exec_name());
        let open = format!("open({:?})", proc.join("PID").to_string_lossy());
        let open = with_words(&open, "the directory with the files of the child");
        check.into_iter().chain([open]).filter(|_| self.writes_files())
    }

    fn clone_line(&self) -> String {
        if self.forks() {
            return "fork()".to_owned();
        }
        let route = self.expected_route();
        if !route.has_intermediate() {
            return format!(
                "clone3({})",
                self.clone_flags() | CloneFlags::PIDFD | self.cgroup_flag()
            );
        }
        let memory = if route.copies_memory() { CloneFlags::empty() } else { CloneFlags::VM };
        let shared = CloneFlags::FILES | CloneFlags::CLEAR_SIGHAND | CloneFlags::UNTRACED;
        format!("clone3({})", CloneFlags::PIDFD | memory | shared | CloneFlags::CHILD_CLEARTID)
    }

    fn cgroup_flag(&self) -> CloneFlags {
        self.cgroup.as_ref().map_or(CloneFlags::empty(), |_| CloneFlags::INTO_CGROUP)
    }

    /// The intermediate process, which joins namespaces or has a copy of the memory, and makes the
    /// child.
    fn intermediate(&self) -> Vec<String> {
        let route = self.expected_route();
        let Some(intermediate) = route.intermediate else { return Vec::new() };
        let mut all = Vec::new();
        all.extend(line(route.copies_memory(), "set_robust_list(child_tid)"));
        all.push(with_words("getppid()", "the caller has not exited"));
        all.extend(explained("oom_score_adj", self.limits.describe_oom_score_adj()));
        all.extend(explained("dumpable", self.describe_own_flag()));
        all.extend(explained("no_core", self.limits.describe_no_core()));
        let session = with_words("setsid()", "a daemon has no terminal");
        all.extend(line(self.daemon.is_some(), &session));
        all.extend(explained("exec_label", self.label_before_join()));
        all.extend(explained("join", self.join.describe(self.joins_optimistically())));
        let clone = format!("clone3({})", self.child_flags(intermediate));
        all.push(with_words(&clone, "create the child"));
        all.extend(line(route.intermediate_reports(), "futex(pid, wake)"));
        all.extend(line(self.forks(), "futex(go, wait)"));
        if intermediate == Intermediate::Stays {
            let is_closure = self.work.closure().is_some() && self.init.is_none();
            let wait = if is_closure { "waitid(child, WNOWAIT)" } else { "wait4(child, __WCLONE)" };
            all.extend(["futex(child_tid, wait)", wait].map(ToOwned::to_owned));
        }
        all
    }

    fn child_flags(&self, intermediate: Intermediate) -> CloneFlags {
        let parent = match intermediate {
            Intermediate::Exits => CloneFlags::PARENT,
            Intermediate::Stays => CloneFlags::empty(),
        };
        let flags = self.clone_flags() | CloneFlags::PARENT_SETTID | parent | self.cgroup_flag();
        if self.forks() {
            flags.difference(CloneFlags::VM | CloneFlags::NEWTIME) | CloneFlags::CHILD_SETTID
        } else {
            flags | CloneFlags::PIDFD
        }
    }

    /// The caller while the child leaves the memory, and afterwards: the checks before it restores
    /// its dumpable flag, and whether the program was executed.
    fn after(&self) -> impl Iterator<Item = String> {
        let proof = [
            line(self.takes_lock(), "fcntl(F_GETLK)"),
            line(self.takes_lock() || self.awaits_name(), "pread(comm)"),
            line(self.takes_lock(), "prctl(PR_SET_DUMPABLE, 1)"),
        ];
        let proof = proof.into_iter().flatten();
        let check = "waitid(pidfd, WNOHANG | WNOWAIT)";
        let executed = !self.forks() && !self.is_reparented();
        let left = with_words("futex(child_tid, wait)", "the child has left the memory");
        let left = [left].into_iter().chain(proof);
        left.chain(line(executed, &with_words(check, "the program was executed")))
    }

    /// The requirement on the caller's dumpable flag; `None` with a copy of the memory.
    fn flag(&self) -> Option<Dumpable> {
        (!self.expected_route().copies_memory()).then(|| self.dumpable(self.join.kinds()))
    }

    /// Whether the child takes a record lock, whose release the caller waits for.
    fn takes_lock(&self) -> bool {
        matches!(self.flag(), Some(Dumpable::Cleared | Dumpable::ClearedAtGo))
    }

    /// Whether the child gets a process name by which the caller sees that it has not executed
    /// anything yet.
    fn has_exec_name(&self) -> bool {
        self.takes_lock() || self.awaits_name() || self.has_exit_signal()
    }

    /// Whether the caller waits for the name of the program although no lock is taken.
    fn awaits_name(&self) -> bool {
        self.flag().is_some_and(|flag| self.awaits_name_in_shared_memory(flag))
    }

    /// The dumpable flag of the first process with a copy of the memory.
    fn describe_own_flag(&self) -> Option<String> {
        line(self.expected_route().copies_memory(), "prctl(PR_SET_DUMPABLE)")
    }
}

/// The line, if it applies.
fn line(applies: bool, line: &str) -> Option<String> {
    applies.then(|| line.to_owned())
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}
