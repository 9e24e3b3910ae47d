//! One attempt of a start: in the caller's memory, or in a copy if the child needs its own dumpable
//! flag.
#![allow(unsafe_code, reason = "extends the lifetime of the attempt")]

use std::ffi::CStr;
use std::os::fd::BorrowedFd;
use std::prelude::rust_2024::*;
use std::time::{Duration, Instant};

use ns_sys::{CloneFlags, Errno, Namespace};

use super::child_resources::ChildResources;
use super::dumpable::{self, Hold, Need};
use super::exec_lock::ExecLock;
use super::exec_name::ExecName;
use super::prepare;
use super::prepare::PreparedStart;
use super::shared::{SharedState, StateMemory};
use super::stack::Stack;
use crate::error::Error;
use crate::in_child::Join;
use crate::plan::{Dumpable, OwnDumpable, Plan, Route};
use crate::step::Step;

/// How long to wait for the dumpable flag before memory is copied.
const PATIENCE: Duration = Duration::from_millis(5);

/// How long to wait for the flag if memory cannot be copied.
const LONGEST: Duration = Duration::from_secs(1);

/// When an attempt copies memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CopyMode {
    IfNeeded,
    Always {
        /// Whether the copy stays dumpable until the maps are written, although other processes may
        /// read its memory until then.
        for_maps: bool,
    },
}

/// Why an attempt failed.
pub(super) enum Failure {
    Error(Error),
    /// Another attempt with this mode may succeed. If it is impossible, this is the error.
    Retry(CopyMode, Error),
    /// The program changed its dumpable flag meanwhile: the same attempt may succeed.
    Again(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Failure {
    /// Changes the error and keeps the kind of failure.
    pub(super) fn map(self, change: impl FnOnce(Error) -> Error) -> Self {
        match self {
            Self::Error(error) => Self::Error(change(error)),
            Self::Retry(copy, error) => Self::Retry(copy, change(error)),
            Self::Again(error) => Self::Again(change(error)),
        }
    }
}

pub(super) struct Attempt<'a> {
    pub(super) resources: &'a ChildResources,
    pub(super) prepared: &'a PreparedStart,
    pub(super) route: Route,
    dumpable: Dumpable,
    /// The dumpable flag of copied memory.
    pub(super) own_dumpable: OwnDumpable,
    /// The program's dumpable flag when this attempt was made, if memory is copied.
    program_dumpable: bool,
    state: StateMemory,
    lock: Option<ExecLock>,
    /// The name of the child until it has executed something, if that has to be verified.
    name: Option<ExecName>,
    /// The stack of an intermediate process that clone3 makes.
    intermediate_stack: Option<Stack>,
    pub(super) candidates: Vec<&'a CStr>,
    files: Vec<(BorrowedFd<'a>, Namespace)>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(resources: &'a ChildResources, copy: CopyMode) -> Result<&'a Self, Failure> {
        let prepared = resources.prepared();
        let (plan, joined) = (&*prepared.plan, &*prepared.joined);
        let route = plan.route(joined.kinds(), copy != CopyMode::IfNeeded);
        let dumpable = plan.dumpable(joined.kinds());
        let is_cleared = matches!(dumpable, Dumpable::Cleared | Dumpable::ClearedAtGo);
        let is_locked = is_cleared && !route.copies_memory();
        let lock = is_locked.then(|| ExecLock::new(&prepared.fds)).transpose();
        let has_intermediate = route.has_intermediate() && !plan.forks();
        let intermediate_stack = has_intermediate.then(Stack::take).transpose();
        let program_dumpable = route.copies_memory() && dumpable::is_dumpable();
        let for_maps = copy == CopyMode::Always { for_maps: true };
        let program = plan.work.program();
        let attempt = Self {
            resources,
            prepared,
            route,
            dumpable,
            own_dumpable: plan.own_dumpable(joined.kinds(), program_dumpable, for_maps),
            program_dumpable,
            state: StateMemory::new(plan.needs_go(), route.copies_memory())
                .map_err(prepare(plan, "a page"))?,
            name: (is_locked || plan.has_exit_signal()).then(ExecName::new),
            lock: lock.map_err(prepare(plan, "a file to lock"))?,
            intermediate_stack: intermediate_stack.map_err(prepare(plan, "a stack"))?,
            candidates: program.iter().flat_map(|program| program.candidates()).collect(),
            files: joined.borrowed_files(),
        };
        // SAFETY: the attempt borrows the prepared start, which `resources` owns, and `resources`
        // itself. Neither a child nor a destructor reaches `resources` through the attempt.
        let attempt = unsafe { resources.keep(attempt) };
        attempt.before_clone()?;
        Ok(attempt)
    }

    pub(super) fn shared(&self) -> &SharedState {
        &self.state
    }

    pub(super) fn plan(&self) -> &'a Plan {
        &self.prepared.plan
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.prepared.deadline
    }

    pub(super) fn lock(&self) -> Option<&ExecLock> {
        self.lock.as_ref()
    }

    pub(super) fn name(&self) -> Option<&ExecName> {
        self.name.as_ref()
    }

    /// The stack of the intermediate process; `None` without one, or if libc forks it.
    pub(super) fn intermediate_stack(&self) -> Option<&Stack> {
        self.intermediate_stack.as_ref()
    }

    /// The namespaces to join, and how.
    pub(super) fn join(&self) -> Join<'_> {
        self.prepared.joined.child(&self.files)
    }

    /// The dumpable flag to set first in copied memory; `None` if memory is shared.
    pub(super) fn first_dumpable(&self) -> Option<bool> {
        self.route.copies_memory().then_some(self.own_dumpable.first)
    }

    /// Fails if the program has changed its dumpable flag since this attempt was made: memory that
    /// is undumpable by now may hold a secret and must not be copied. No thread changes the flag
    /// while it is locked.
    pub(super) fn check_dumpable(&self, locked: &dumpable::Lock) -> Result<(), Failure> {
        if !self.route.copies_memory() || dumpable::is_dumpable_in(locked) == self.program_dumpable
        {
            return Ok(());
        }
        let error = Error::new(&self.plan().name, Step::Prepare).with_errno(Errno::AGAIN);
        let error = error.with_object("the dumpable flag of the caller");
        Err(Failure::Again(error.with_hint(Some("the program keeps changing it during the start"))))
    }

    fn before_clone(&self) -> Result<(), Failure> {
        match self.dumpable {
            // The dumpable flag belongs to the memory, so a copy has its own.
            Dumpable::Own if !self.plan().can_be_copied() => Err(self.refused(Errno::BUSY)),
            _ if self.route.copies_memory() => Ok(()),
            Dumpable::AsIs | Dumpable::Own => Ok(()),
            Dumpable::KeptForMaps | Dumpable::ClearedAtGo => self.hold_flag(Need::Kept),
            Dumpable::Cleared => self.hold_flag(Need::Cleared),
        }
    }

    /// Adjusts the flag once the maps are written: from then on, no file in `/proc/PID` is opened,
    /// all of which belong to root while the flag is clear.
    pub(super) fn maps_written(&self) -> Result<(), Failure> {
        match self.dumpable {
            _ if self.route.copies_memory() => Ok(()),
            Dumpable::KeptForMaps => {
                self.resources.release_hold();
                Ok(())
            }
            Dumpable::ClearedAtGo => self.hold_flag(Need::Cleared),
            Dumpable::AsIs | Dumpable::Cleared | Dumpable::Own => Ok(()),
        }
    }

    /// The failure after a map could not be written. If the map could not be opened, another
    /// attempt whose copy stays dumpable may succeed, unless the program itself has cleared the
    /// flag.
    pub(super) fn map_failure(&self, error: Error) -> Failure {
        let is_cleared = if self.route.copies_memory() {
            !self.own_dumpable.first
        } else {
            self.dumpable == Dumpable::Cleared
        };
        let is_map = matches!(error.step(), Step::UidMap | Step::GidMap);
        if is_map && error.errno() == Some(Errno::ACCESS) && is_cleared && dumpable::is_dumpable() {
            return Failure::Retry(CopyMode::Always { for_maps: true }, error);
        }
        error.into()
    }

    /// Holds the dumpable flag as needed. The previous hold ends first.
    fn hold_flag(&self, need: Need) -> Result<(), Failure> {
        let left =
            self.deadline().map_or(LONGEST, |end| end.saturating_duration_since(Instant::now()));
        let patience = if self.plan().can_be_copied() { PATIENCE } else { LONGEST };
        let mut refused = None;
        let is_held = self.resources.hold(|| {
            let hold = Hold::new(need, patience.min(left));
            hold.unwrap_or_else(|errno| {
                refused = Some(errno);
                None
            })
        });
        if is_held { Ok(()) } else { Err(self.refused(refused.unwrap_or(Errno::BUSY))) }
    }

    fn refused(&self, errno: Errno) -> Failure {
        let error = Error::new(&self.plan().name, Step::Prepare)
            .with_errno(errno)
            .with_object("the dumpable flag of the caller")
            .with_hint(Some(
                "this start needs the other value, and its clone flags forbid a copy of the memory",
            ));
        Failure::Retry(CopyMode::Always { for_maps: false }, error)
    }
}

impl Plan {
    /// Whether memory may be copied although that was not requested. These flags refer to the
    /// calling process, and an intermediate process would take its state.
    pub(super) fn can_be_copied(&self) -> bool {
        let of_caller = CloneFlags::FS
            | CloneFlags::IO
            | CloneFlags::SYSVSEM
            | CloneFlags::PARENT
            | CloneFlags::PTRACE;
        !self.flags.intersects(of_caller)
    }
}
