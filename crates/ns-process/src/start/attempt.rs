//! One attempt of a start: in this memory, or with a copy of it where the dumpable flag has to be the child's own.
#![allow(unsafe_code, reason = "what the child is given is kept for it")]

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

/// How long the flag is waited for before memory is copied.
const PATIENCE: Duration = Duration::from_millis(5);

/// The same where memory cannot be copied.
const LONGEST: Duration = Duration::from_secs(1);

/// Whether an attempt copies memory that it could share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copy {
    IfNeeded,
    Always {
        /// Whether the copy keeps its flag until the maps are written, though others may read it meanwhile.
        for_maps: bool,
    },
}

/// Why an attempt failed.
pub(super) enum Failure {
    Error(Error),
    /// Another way may succeed; if it cannot be gone, this is the error.
    Retry(Copy, Error),
    /// The program changed its flag meanwhile: the same way may succeed.
    Again(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Failure {
    /// The error, whether or not there is another way.
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
    /// Of a copy, made while the program's own flag was this.
    pub(super) own: OwnDumpable,
    programs: bool,
    place: StateMemory,
    lock: Option<ExecLock>,
    /// Of a child of which it must be seen that it has executed something.
    name: Option<ExecName>,
    /// Of a process between in this memory.
    intermediate_stack: Option<Stack>,
    pub(super) candidates: Vec<&'a CStr>,
    files: Vec<(BorrowedFd<'a>, Namespace)>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(resources: &'a ChildResources, copy: Copy) -> Result<&'a Self, Failure> {
        let prepared = resources.prepared();
        let (plan, joined) = (&*prepared.plan, &*prepared.joined);
        let route = plan.route(joined.kinds(), copy != Copy::IfNeeded);
        let dumpable = plan.dumpable(joined.kinds());
        let is_cleared = matches!(dumpable, Dumpable::Cleared | Dumpable::ClearedAtGo);
        let is_locked = is_cleared && !route.copies_memory();
        let lock = is_locked.then(|| ExecLock::new(&prepared.fds)).transpose();
        let has_intermediate = route.has_intermediate() && !plan.forks();
        let intermediate_stack = has_intermediate.then(Stack::take).transpose();
        let programs = route.copies_memory() && dumpable::own();
        let for_maps = copy == Copy::Always { for_maps: true };
        let program = plan.work.program();
        let attempt = Self {
            resources,
            prepared,
            route,
            dumpable,
            own: plan.own_dumpable(joined.kinds(), programs, for_maps),
            programs,
            place: StateMemory::new(plan.needs_go(), route.copies_memory())
                .map_err(prepare(plan, "a page"))?,
            name: (is_locked || plan.has_exit_signal()).then(ExecName::new),
            lock: lock.map_err(prepare(plan, "a file to lock"))?,
            intermediate_stack: intermediate_stack.map_err(prepare(plan, "a stack"))?,
            candidates: program.iter().flat_map(|program| program.candidates()).collect(),
            files: joined.borrowed_files(),
        };
        // SAFETY: it leads to what is prepared, and to the ground itself, which neither a child nor a destructor
        // reaches by it.
        let attempt = unsafe { resources.keep(attempt) };
        attempt.before_clone()?;
        Ok(attempt)
    }

    pub(super) fn shared(&self) -> &SharedState {
        &self.place
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

    /// Of a process between, where there is one that libc does not fork.
    pub(super) fn intermediate_stack(&self) -> Option<&Stack> {
        self.intermediate_stack.as_ref()
    }

    /// What is entered first.
    pub(super) fn join(&self) -> Join<'_> {
        self.prepared.joined.child(&self.files)
    }

    /// The first flag of memory that is a copy, for the process that is made of it first.
    pub(super) fn first_dumpable(&self) -> Option<bool> {
        self.route.copies_memory().then_some(self.own.first)
    }

    /// Refuses to copy memory that the program has made undumpable since: it may hold a secret by now. No thread
    /// changes the flag while it is locked.
    pub(super) fn is_current(&self, locked: &dumpable::Lock) -> Result<(), Failure> {
        if !self.route.copies_memory() || dumpable::own_of(locked) == self.programs {
            return Ok(());
        }
        let error = Error::new(&self.plan().name, Step::Prepare).with_errno(Errno::AGAIN);
        let error = error.with_object("the dumpable flag of the caller");
        Err(Failure::Again(error.with_hint(Some("the program changes it again and again"))))
    }

    fn before_clone(&self) -> Result<(), Failure> {
        match self.dumpable {
            // A copy has one of its own.
            Dumpable::Own if !self.plan().can_be_copied() => Err(self.refused(Errno::BUSY)),
            _ if self.route.copies_memory() => Ok(()),
            Dumpable::AsIs | Dumpable::Own => Ok(()),
            Dumpable::KeptForMaps | Dumpable::ClearedAtGo => self.hold(Need::Kept),
            Dumpable::Cleared => self.hold(Need::Cleared),
        }
    }

    /// The maps are written: no file of root's is opened any more.
    pub(super) fn maps_written(&self) -> Result<(), Failure> {
        match self.dumpable {
            _ if self.route.copies_memory() => Ok(()),
            Dumpable::KeptForMaps => {
                self.resources.release_hold();
                Ok(())
            }
            Dumpable::ClearedAtGo => self.hold(Need::Cleared),
            Dumpable::AsIs | Dumpable::Cleared | Dumpable::Own => Ok(()),
        }
    }

    /// A map could not be opened. Another attempt with a copy that keeps its flag may open it, unless the
    /// program itself has cleared the flag.
    pub(super) fn unwritten(&self, error: Error) -> Failure {
        let is_cleared = if self.route.copies_memory() {
            !self.own.first
        } else {
            self.dumpable == Dumpable::Cleared
        };
        let is_map = matches!(error.step(), Step::UidMap | Step::GidMap);
        if is_map && error.errno() == Some(Errno::ACCESS) && is_cleared && dumpable::own() {
            return Failure::Retry(Copy::Always { for_maps: true }, error);
        }
        error.into()
    }

    /// Never holds it both ways: the former hold ends first.
    fn hold(&self, need: Need) -> Result<(), Failure> {
        let left =
            self.deadline().map_or(LONGEST, |end| end.saturating_duration_since(Instant::now()));
        let patience = if self.plan().can_be_copied() { PATIENCE } else { LONGEST };
        let mut refused = None;
        let holds = self.resources.hold(|| {
            let hold = Hold::new(need, patience.min(left));
            hold.unwrap_or_else(|errno| {
                refused = Some(errno);
                None
            })
        });
        if holds { Ok(()) } else { Err(self.refused(refused.unwrap_or(Errno::BUSY))) }
    }

    fn refused(&self, errno: Errno) -> Failure {
        let error = Error::new(&self.plan().name, Step::Prepare)
            .with_errno(errno)
            .with_object("the dumpable flag of the caller")
            .with_hint(Some(
                "this start needs it otherwise, and with its flags memory is not copied",
            ));
        Failure::Retry(Copy::Always { for_maps: false }, error)
    }
}

impl Plan {
    /// Whether memory may be copied where that was not asked for. These flags mean the caller, and a process
    /// between would take its place.
    pub(super) fn can_be_copied(&self) -> bool {
        let of_caller = CloneFlags::FS
            | CloneFlags::IO
            | CloneFlags::SYSVSEM
            | CloneFlags::PARENT
            | CloneFlags::PTRACE;
        !self.flags.intersects(of_caller)
    }
}
