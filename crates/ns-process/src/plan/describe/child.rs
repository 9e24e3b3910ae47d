//! The lines of the child, and of the init if there is one, from the list of steps that the child runs.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::{CloneFlags, NamespaceFlags, UnshareFlags};

use super::super::Plan;
use super::line;
use super::purpose::{explained, with_words};
use crate::in_child::{Dispositions, HookPoint, child_steps};
use crate::settings::{Keyring, Program, describe_tasks};

/// The process that runs the steps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The child, without an init.
    Child,
    /// Pid 1, which becomes the init. It also runs the setup of the program.
    Init,
    /// The program's process, forked by pid 1.
    UnderInit,
}

/// A process and its steps.
struct Steps<'a> {
    plan: &'a Plan,
    role: Role,
}

impl Plan {
    pub(super) fn child(&self) -> Vec<String> {
        let steps = |role| Steps { plan: self, role };
        if self.init.is_none() {
            return labelled("child", steps(Role::Child).all());
        }
        let (init, program) = (steps(Role::Init), steps(Role::UnderInit));
        [labelled("init", init.all()), labelled("child", program.all())].concat()
    }

    /// The label is written before the join if a mount namespace is joined, else after the release.
    pub(super) fn label_before_join(&self) -> impl Iterator<Item = String> {
        self.privileges.describe_label().filter(|_| self.joins_mounts())
    }

    fn joins_mounts(&self) -> bool {
        self.join.kinds().contains(NamespaceFlags::MNT)
    }
}

fn labelled(side: &str, lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(|line| format!("{side}: {line}")).collect()
}

/// Makes one function of each stage, which lists the lines of its steps.
macro_rules! describe_in_order {
    ($($stage:ident { $($step:ident => $file:ident::$function:ident $fields:tt,)+ })+) => {
        impl Steps<'_> {
            $(
                fn $stage(&self) -> Vec<String> {
                    let mut lines = Vec::new();
                    $(
                        lines.extend(explained(stringify!($step), self.$step()));
                    )+
                    lines
                }
            )+
        }
    };
}
child_steps!(describe_in_order);

impl Steps<'_> {
    /// All lines, with the hooks between the stages.
    fn all(&self) -> Vec<String> {
        let copies = self.plan.expected_route().copies_memory();
        let announce = line(copies, "set_robust_list(child_tid)");
        let mut lines: Vec<_> = announce.into_iter().chain(self.begin()).collect();
        if self.role != Role::UnderInit {
            lines.extend(self.hooks([HookPoint::PreUp]));
        }
        lines.extend(self.setup());
        if self.role == Role::Init {
            lines.extend(self.drop_privileges());
            lines.push(with_words("execveat(init)", "process 1 reaps, and forwards signals"));
            return lines;
        }
        lines.extend(self.hooks([HookPoint::ExceptUp, HookPoint::PostUp, HookPoint::PreExec]));
        lines.extend(self.drop_privileges());
        lines.extend(self.target());
        lines.extend(self.hooks([HookPoint::ExceptExec, HookPoint::PostExec]));
        lines
    }

    /// The hooks in the child, by the names of their setters.
    fn hooks<const N: usize>(&self, points: [HookPoint; N]) -> impl Iterator<Item = String> {
        let hooks = &self.plan.child_hooks;
        points.into_iter().flat_map(|point| hooks.at(point).map(move |_| point.name().to_owned()))
    }

    fn target(&self) -> impl Iterator<Item = String> {
        let program = self.plan.work.program();
        let file = program.and_then(|program| program.file.as_ref());
        let file = file.map(|_| "execveat(program, \"\", AT_EMPTY_PATH)".to_owned());
        let exec = program.filter(|program| program.file.is_none()).map(Program::describe);
        let closure = ["set_robust_list(libc's)", "closure", "_exit"].map(ToOwned::to_owned);
        file.into_iter()
            .chain(exec)
            .chain(self.plan.work.closure().map(|_| closure).into_iter().flatten())
    }

    /// Whether this process runs the setup. Under an init, pid 1 has run it before it forks the program's process.
    fn runs_setup(&self) -> bool {
        self.role != Role::UnderInit
    }

    /// Whether this process joins the namespaces, and not an intermediate process.
    fn joins(&self) -> bool {
        self.runs_setup() && !self.plan.expected_route().has_intermediate()
    }

    /// The lines of `all` that apply if `applies`.
    fn if_so<I: IntoIterator<Item = String>>(
        applies: bool,
        all: impl FnOnce() -> I,
    ) -> Vec<String> {
        if applies { all().into_iter().collect() } else { Vec::new() }
    }
}

/// The lines of each step in the list.
impl Steps<'_> {
    /// No system call of its own.
    #[expect(clippy::unused_self, reason = "a step like the others")]
    fn after_fork(&self) -> Option<String> {
        None
    }

    fn exec_lock(&self) -> Option<String> {
        line(self.plan.takes_lock(), "fcntl(F_SETFD); fcntl(F_SETLK)")
    }

    fn oom_score_adj(&self) -> Vec<String> {
        Self::if_so(self.joins(), || self.plan.limits.describe_oom_score_adj())
    }

    fn dumpable(&self) -> Vec<String> {
        Self::if_so(self.joins(), || self.plan.describe_own_flag())
    }

    fn dispositions(&self) -> Option<String> {
        let line = match self.plan.dispositions() {
            Dispositions::Kept => None,
            Dispositions::Handled => Some("rt_sigaction(1 to 64, SIG_DFL if handled)"),
            Dispositions::All => Some("rt_sigaction(1 to 64, SIG_DFL)"),
        };
        line.filter(|_| self.runs_setup()).map(ToOwned::to_owned)
    }

    fn no_core(&self) -> Vec<String> {
        Self::if_so(self.joins(), || self.plan.limits.describe_no_core())
    }

    fn cgroup_tasks(&self) -> Vec<String> {
        Self::if_so(self.runs_setup(), || describe_tasks(&self.plan.cgroup_tasks))
    }

    fn join(&self) -> Vec<String> {
        let optimistic = self.plan.joins_optimistically();
        let join = || self.plan.label_before_join().chain(self.plan.join.describe(optimistic));
        Self::if_so(self.joins(), join)
    }

    fn namespaces(&self) -> Vec<String> {
        let created = UnshareFlags::from(self.plan.made_inside());
        let lines = || [format!("unshare({created})"), "futex(made, wake)".to_owned()];
        Self::if_so(self.runs_setup() && !created.is_empty(), lines)
    }

    fn wait(&self) -> Option<String> {
        line(self.runs_setup() && self.plan.needs_go(), "futex(go, wait)")
    }

    fn dumpable_at_release(&self) -> Option<String> {
        let own = self.plan.own_dumpable(self.plan.join.kinds(), true, false);
        let clears = self.plan.expected_route().copies_memory() && own.cleared_at_go;
        line(self.runs_setup() && clears, "prctl(PR_SET_DUMPABLE, 0)")
    }

    fn time_namespace(&self) -> Option<String> {
        let joins = self.plan.made_inside().contains(NamespaceFlags::TIME);
        line(self.runs_setup() && joins, "setns(time)")
    }

    fn after_move(&self) -> Option<String> {
        let created = UnshareFlags::from(self.plan.made_after_move());
        line(self.runs_setup() && !created.is_empty(), &format!("unshare({created})"))
    }

    fn cgroup_namespace(&self) -> Option<String> {
        let created = UnshareFlags::from(self.plan.made_again());
        let call = format!("unshare({created}) if the hook has moved the child to another cgroup");
        line(self.runs_setup() && !created.is_empty(), &call)
    }

    fn become_zero(&self) -> Vec<String> {
        Self::if_so(self.runs_setup(), || self.plan.ids.describe_zero())
    }

    fn propagation(&self) -> Vec<String> {
        Self::if_so(self.runs_setup(), || self.plan.root.describe_detaching())
    }

    fn exec_label(&self) -> Vec<String> {
        let is_due = self.runs_setup() && !self.plan.joins_mounts();
        Self::if_so(is_due, || self.plan.privileges.describe_label())
    }

    fn target_root(&self) -> Vec<String> {
        Self::if_so(self.runs_setup(), || self.plan.join.describe_root())
    }

    fn mounts(&self) -> Vec<String> {
        Self::if_so(self.runs_setup(), || self.plan.root.describe_mounts())
    }

    fn before_pivot(&self) -> Vec<String> {
        let waits = self.runs_setup() && !self.plan.pivot_hooks.0.is_empty();
        Self::if_so(waits, || ["futex(mounted, wake)", "futex(pivot, wait)"].map(ToOwned::to_owned))
    }

    fn root(&self) -> Vec<String> {
        Self::if_so(self.runs_setup(), || self.plan.root.describe())
    }

    fn console(&self) -> Vec<String> {
        Self::if_so(self.runs_setup(), || self.plan.console.describe(self.plan.ids.uid))
    }

    fn names(&self) -> Vec<String> {
        Self::if_so(self.runs_setup(), || self.plan.names.describe())
    }

    fn sysctls(&self) -> Vec<String> {
        Self::if_so(self.runs_setup(), || self.plan.sysctls.describe())
    }

    fn session_keyring(&self) -> Option<String> {
        let keyring = self.plan.keyring.as_ref().filter(|_| self.runs_setup());
        keyring.map(Keyring::describe)
    }

    fn fork_program(&self) -> Vec<String> {
        let flags = self.plan.flags_under_init() | CloneFlags::PARENT_SETTID;
        let lines = || {
            let before = ["rt_sigaction(SIGCHLD, SIG_DFL)", "rt_sigprocmask(SIG_SETMASK, all)"];
            let [action, mask] = before.map(ToOwned::to_owned);
            [action, mask, format!("clone3({flags})"), "chdir(\"/\")".to_owned()]
        };
        Self::if_so(self.role == Role::Init, lines)
    }

    fn session(&self) -> Vec<String> {
        match self.role {
            Role::Init => Vec::from(["setsid()".to_owned()]),
            Role::Child | Role::UnderInit => self.plan.session.describe().collect(),
        }
    }

    fn place_fds(&self) -> Vec<String> {
        match self.role {
            Role::Init => Vec::from(["dup3(status, 3, 0)".to_owned()]),
            Role::Child | Role::UnderInit => {
                let placed = self.plan.streams.describe_placing().0.into_iter();
                placed.chain(self.plan.console.describe_placing()).collect()
            }
        }
    }

    fn limits(&self) -> impl Iterator<Item = String> {
        self.plan.limits.describe()
    }

    fn scheduling(&self) -> impl Iterator<Item = String> {
        self.plan.scheduling.describe()
    }

    fn keep_capabilities(&self) -> Option<String> {
        self.plan.privileges.describe_keep()
    }

    fn ids(&self) -> impl Iterator<Item = String> {
        self.plan.ids.describe()
    }

    fn no_new_privs(&self) -> impl Iterator<Item = String> {
        self.plan.privileges.describe_no_new_privs()
    }

    fn parent_death_signal(&self) -> Vec<String> {
        Self::if_so(self.runs_setup(), || self.plan.session.describe_death())
    }

    fn wait_for_program(&self) -> Vec<String> {
        let is_closure = self.plan.work.closure().is_some();
        let wait = if is_closure { "waitid(program, WNOWAIT)" } else { "wait4(program, __WCLONE)" };
        let lines = || ["futex(child_tid, wait)", wait].map(ToOwned::to_owned);
        Self::if_so(self.role == Role::Init, lines)
    }

    fn close_rest(&self) -> Vec<String> {
        let of_init = ["close_range(0, 2, 0)", "close_range(4, UINT_MAX, 0) but for the init"];
        match self.role {
            Role::Init => of_init.map(ToOwned::to_owned).to_vec(),
            Role::Child | Role::UnderInit => self.plan.streams.describe_placing().1,
        }
    }

    fn exec_name(&self) -> Option<String> {
        line(self.plan.has_exec_name(), "prctl(PR_SET_NAME)")
    }

    fn regain_capabilities(&self) -> Option<String> {
        self.plan.privileges.describe_regain()
    }

    fn early_filter(&self) -> Vec<String> {
        self.plan.privileges.describe_filter(false, self.role != Role::Init)
    }

    fn capabilities(&self) -> impl Iterator<Item = String> {
        let ceiling = self.plan.join.describe_limits();
        ceiling.chain(self.plan.privileges.describe_capabilities())
    }

    fn signal_mask(&self) -> [String; 1] {
        let blocked = if self.role == Role::Init { "all" } else { "none" };
        [format!("rt_sigprocmask(SIG_SETMASK, {blocked})")]
    }

    fn core_limit(&self) -> impl Iterator<Item = String> {
        self.plan.limits.describe_core()
    }

    fn last_filter(&self) -> Vec<String> {
        self.plan.privileges.describe_filter(true, self.role != Role::Init)
    }
}
