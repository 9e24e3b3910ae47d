//! What the child knows.

use core::ffi::{CStr, c_char};
use core::mem::needs_drop;
use core::sync::atomic::{AtomicU32, Ordering};

use ns_fs::apply;
use ns_sys::NamespaceFlags;
use ns_sys::child::SignalSet;
use ns_sys::fd::BorrowedFd;

use super::dispositions::Dispositions;
use super::exec_lock::ExecLock;
use super::from_target::FromTarget;
use super::handshake::Handshake;
use super::hooks::ChildCode;
use super::ids::Ids;
use super::init::Init;
use super::join::Join;
use super::limits::Limits;
use super::names::Names;
use super::privileges::{Label, Privileges};
use super::root::Root;
use super::session::Session;

/// A thread of the parent's, as the child watches it.
#[derive(Clone, Copy)]
pub(crate) struct ParentWatch<'a> {
    /// Readable when the thread has ended; `None` where there is only the word.
    pub(crate) pidfd: Option<BorrowedFd<'a>>,
    pub(crate) tid: u32,
    /// Holds `tid` until the thread has ended; null where there is no such word.
    pub(crate) word: *const AtomicU32,
}

/// Everything the child is given: numbers, and pointers to what the parent keeps for it.
pub(crate) struct ChildPlan<'a> {
    /// Where it waits, and reports.
    pub(crate) handshake: &'a Handshake,
    /// Taken first, and held until exec, in the caller's memory.
    pub(crate) exec_lock: Option<ExecLock<'a>>,
    /// What it is called from shortly before exec on.
    pub(crate) exec_name: Option<&'a CStr>,
    /// The first dumpable flag, where memory is the child's own and no process between has set it.
    pub(crate) dumpable: Option<bool>,
    /// What that flag becomes once the caller has written the maps.
    pub(crate) dumpable_at_release: Option<bool>,
    /// The thread that will say go, if the child has to wait, or with which it dies.
    pub(crate) parent: Option<ParentWatch<'a>>,
    /// Whether pid 1 has made the first steps for it, and the first hooks.
    pub(crate) is_under_init: bool,
    /// Whether it has to announce its leaving, because its memory is a copy.
    pub(crate) copied: bool,
    /// Whether it waits for go.
    pub(crate) waits_for_release: bool,
    /// The caller's own code, in memory of the child's own.
    pub(crate) child_code: Option<&'a dyn ChildCode>,
    /// The namespaces that it makes itself.
    pub(crate) makes: NamespaceFlags,
    /// The file of a time namespace among them, which it enters.
    pub(crate) time_namespace: Option<&'a CStr>,
    /// What it enters itself, where no process between has.
    pub(crate) join: Join<'a>,
    /// Of a pid 1 beside the program.
    pub(crate) init: Option<Init<'a>>,
    /// Written by who enters, before that.
    pub(crate) early_label: Option<Label<'a>>,
    pub(crate) ids: Ids<'a>,
    pub(crate) session: Session<'a>,
    /// Where a process is whose namespaces were entered.
    pub(crate) from_target: Option<FromTarget<'a>>,
    pub(crate) root: Root<'a>,
    pub(crate) place_fds: &'a [apply::FdStep],
    pub(crate) close_rest: &'a [apply::FdRange],
    pub(crate) names: Names<'a>,
    pub(crate) limits: Limits<'a>,
    pub(crate) privileges: Privileges<'a>,
    /// Which of the caller's are given up.
    pub(crate) dispositions: Dispositions,
    /// The signal mask of the program.
    pub(crate) mask: SignalSet,
    /// The paths at which the program may be.
    pub(crate) candidates: &'a [&'a CStr],
    /// Ends with a null pointer, as `envp`.
    pub(crate) argv: *const *const c_char,
    pub(crate) envp: *const *const c_char,
}

impl ChildPlan<'_> {
    /// Whether it is a pid 1 that has made the program's process.
    pub(super) fn has_forked_program(&self) -> bool {
        self.init.is_some_and(|init| init.pid.load(Ordering::Acquire) != 0)
    }

    /// Whether it executes nothing.
    pub(super) fn has_closure(&self) -> bool {
        self.child_code.is_some_and(ChildCode::has_closure)
    }
}

// The child leaves by exec or exit: what had to be dropped would be lost, or freed twice.
#[expect(clippy::disallowed_macros, reason = "it is the compiler that asserts")]
const _: () = assert!(!needs_drop::<ChildPlan<'_>>());
