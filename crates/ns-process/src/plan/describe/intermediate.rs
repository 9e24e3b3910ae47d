//! The lines of the intermediate process, which joins namespaces or has a copy of the memory, and makes the child.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::CloneFlags;

use super::super::{Intermediate, Plan};

impl Plan {
    pub(super) fn intermediate(&self) -> Vec<String> {
        let route = self.expected_route();
        let Some(intermediate) = route.intermediate else { return Vec::new() };
        let lines = |line: &str, applies: bool| applies.then(|| line.to_owned());
        let copied = route.copies_memory();
        let mut all = Vec::new();
        all.extend(lines("set_robust_list(child_tid)", copied));
        all.extend(lines("getppid()", true));
        all.extend(self.describe_own_flag());
        all.extend(self.limits.describe_no_core());
        all.extend(lines("setsid()", self.daemon.is_some()));
        all.extend(self.label_before_join());
        all.extend(self.join.describe(self.joins_optimistically()));
        all.push(format!("clone3({})", self.child_flags(intermediate)));
        all.extend(lines("futex(pid, wake)", route.intermediate_reports()));
        all.extend(lines("futex(go, wait)", self.forks()));
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
        let flags = self.flags | CloneFlags::PARENT_SETTID | parent | self.cgroup_flag();
        if self.forks() {
            flags.difference(CloneFlags::VM | CloneFlags::NEWTIME) | CloneFlags::CHILD_SETTID
        } else {
            flags | CloneFlags::PIDFD
        }
    }
}
