//! The configuration of the child.

use core::ffi::{CStr, c_char};
use core::mem::needs_drop;
use core::sync::atomic::Ordering;

use ns_fs::apply;
use ns_sys::NamespaceFlags;
use ns_sys::child::SignalSet;
use ns_sys::fd::BorrowedFd;

use super::console::Console;
use super::exec_lock::ExecLock;
use super::from_target::FromTarget;
use super::handshake::Handshake;
use super::hooks::ChildCode;
use super::ids::Ids;
use super::init::Init;
use super::join::Join;
use super::keyring::Keyring;
use super::limits::Limits;
use super::names::Names;
use super::oom::OomScoreAdj;
use super::privileges::{Label, Privileges};
use super::program::Paths;
use super::root::Root;
use super::scheduling::Scheduling;
use super::session::Session;
use super::signals::Dispositions;
use super::sysctl::Sysctls;
use super::wait::{ParentWatch, Waits};

/// Everything that the child needs: numbers, and pointers to values that the parent keeps valid.
pub(crate) struct ChildPlan<'a> {
    /// Where the child waits for the release, and reports errors.
    pub(crate) handshake: &'a Handshake,
    /// In shared memory, the record lock that is taken first and held until exec.
    pub(crate) exec_lock: Option<ExecLock<'a>>,
    /// The process name from shortly before exec until exec.
    pub(crate) exec_name: Option<&'a CStr>,
    /// Set in a child that libc has forked directly; an intermediate process sets the value otherwise.
    pub(crate) oom_score_adj: Option<OomScoreAdj<'a>>,
    /// The files `tasks` of the cgroups to which the child moves itself.
    pub(crate) cgroup_tasks: &'a [BorrowedFd<'a>],
    /// The dumpable flag to set first, if the child has a copy of the memory. `None` if an intermediate process has set
    /// it.
    pub(crate) dumpable: Option<bool>,
    /// The dumpable flag to set once the caller has written the ID maps.
    pub(crate) dumpable_at_release: Option<bool>,
    /// The thread that releases the child, or with whose termination the child is killed.
    pub(crate) parent: Option<ParentWatch<'a>>,
    /// Whether this plan is for the program's process under an init. Pid 1 has already run the setup and the `preup`
    /// hooks.
    pub(crate) is_under_init: bool,
    /// Whether the memory is a copy: the robust futex list then reports that the child has left it.
    pub(crate) copied: bool,
    /// Where the child waits for the caller.
    pub(crate) waits: Waits,
    /// The caller's hooks and closure; only with a copy of the memory.
    pub(crate) child_code: Option<&'a dyn ChildCode>,
    /// The namespaces that the child creates with unshare(2).
    pub(crate) makes: NamespaceFlags,
    /// Those that it creates again if a hook has moved it to another cgroup.
    pub(crate) makes_again: NamespaceFlags,
    /// The namespaces that the child creates once it has moved itself to its cgroups.
    pub(crate) makes_after_move: NamespaceFlags,
    /// The file of the time namespace among the first ones, which the child joins.
    pub(crate) time_namespace: Option<&'a CStr>,
    /// The namespaces to join, unless an intermediate process has joined them.
    pub(crate) join: Join<'a>,
    /// Set in pid 1 of an init.
    pub(crate) init: Option<Init<'a>>,
    /// The exec label, if it must be written before the join. An intermediate process writes it if it joins.
    pub(crate) early_label: Option<Label<'a>>,
    pub(crate) ids: Ids<'a>,
    pub(crate) session: Session<'a>,
    /// The root and working directory of the target.
    pub(crate) from_target: Option<FromTarget<'a>>,
    pub(crate) root: Root<'a>,
    /// The new terminal to open.
    pub(crate) console: Option<Console<'a>>,
    pub(crate) place_fds: &'a [apply::FdStep],
    pub(crate) close_rest: &'a [apply::FdRange],
    pub(crate) names: Names<'a>,
    pub(crate) sysctls: Sysctls<'a>,
    pub(crate) keyring: Option<Keyring<'a>>,
    pub(crate) limits: Limits<'a>,
    pub(crate) scheduling: Scheduling<'a>,
    pub(crate) privileges: Privileges<'a>,
    /// Which of the caller's signal dispositions are reset.
    pub(crate) dispositions: Dispositions,
    /// The signal mask of the program.
    pub(crate) mask: SignalSet,
    /// The file of the program, in place of `paths`.
    pub(crate) program_fd: Option<BorrowedFd<'a>>,
    pub(crate) paths: Paths<'a>,
    /// Ends with a null pointer, as does `envp`.
    pub(crate) argv: *const *const c_char,
    pub(crate) envp: *const *const c_char,
}

impl ChildPlan<'_> {
    /// Whether this is pid 1 of an init, and it has forked the program's process.
    pub(super) fn has_forked_program(&self) -> bool {
        self.init.is_some_and(|init| init.pid.load(Ordering::Acquire) != 0)
    }

    /// Whether the child runs a closure instead of a program.
    pub(super) fn has_closure(&self) -> bool {
        self.child_code.is_some_and(ChildCode::has_closure)
    }
}

// The child ends with exec or exit and drops nothing. A value with a destructor would leak, or be freed twice.
#[expect(clippy::disallowed_macros, reason = "evaluated by the compiler")]
const _: () = assert!(!needs_drop::<ChildPlan<'_>>());
