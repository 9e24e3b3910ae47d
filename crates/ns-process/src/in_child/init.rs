//! Pid 1 beside the program: it makes the process that becomes the program, waits until that is done, and
//! becomes an init.
//!
//! What both have in common is done before they part. What narrows the program narrows this one as well:
//! the program may be somebody who can trace it.
#![allow(unsafe_code, reason = "clone3 in shared memory, and execveat with arrays of its own")]

use core::ffi::CStr;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use ns_sys::CloneArgs;
use ns_sys::child::{self, AtFlags, SignalSet, exit_group};
use ns_sys::fd::{BorrowedFd, RawFd};

use super::decimal::Decimal;
use super::handshake::{Handshake, Report};
use super::plan::ChildPlan;
use super::{entry, executed};
use crate::step::Step;

/// Where an init finds the descriptor by which it tells how the program ended.
pub(crate) const STATUS: RawFd = 3;

/// The exit code of a pid 1 without a program, whose own words say why.
const NO_PROGRAM: i32 = 126;

pub(crate) const SIGCHLD: u32 = 17;

/// What pid 1 is given besides its own steps.
#[derive(Clone, Copy)]
pub(crate) struct Init<'a> {
    /// Of the program's clone, and its steps from there on.
    pub(crate) args: &'a CloneArgs<'a>,
    pub(crate) program: &'a ChildPlan<'a>,
    /// The id of the program's process, as pid 1 sees it.
    pub(crate) pid: &'a AtomicU32,
    /// The status word of that process, if it ended before it executed.
    pub(crate) ended: &'a AtomicI32,
    /// What pid 1 becomes.
    pub(crate) executable: BorrowedFd<'a>,
    pub(crate) argv0: &'a CStr,
}

/// Makes the program's process.
pub(super) fn fork_program(plan: &ChildPlan<'_>) -> Result<(), Report> {
    let Some(init) = plan.init else { return Ok(()) };
    // Ignored, or not held back, it would let the program's end pass unnoticed.
    let _ = child::rt_sigaction_default(SIGCHLD);
    let masked = child::rt_sigprocmask(SignalSet::ALL);
    masked.map_err(|errno| Report::new(Step::SignalMask, errno))?;
    let make = if plan.child_code.is_some() { entry::clone_apart } else { entry::clone };
    // SAFETY: the word of whoever made pid 1 holds for both processes: two stacks, two words. Where a guest
    // comes, pid 1 is alone in its own memory.
    let made = unsafe { make(init.args, init.program) };
    made.map_err(|errno| Report::new(Step::Clone, errno))?;
    // A directory that it stays in cannot be unmounted.
    child::chdir(c"/").map_err(|errno| Report::new(Step::Init, errno))
}

/// Waits until the program is executed. Where it never is, pid 1 leaves.
pub(super) fn wait_for_program(plan: &ChildPlan<'_>) -> Result<(), Report> {
    let Some(init) = plan.init else { return Ok(()) };
    let pid = init.pid.load(Ordering::Acquire);
    match executed::wait(pid, init.program.handshake, init.program.has_closure()) {
        Ok(None) => Ok(()),
        Ok(Some(status)) => {
            init.ended.store(status.as_raw(), Ordering::Release);
            exit_group(NO_PROGRAM)
        }
        Err(errno) => Err(Report::new(Step::Init, errno)),
    }
}

/// Becomes the init; returns when that failed.
pub(super) fn execute(init: Init<'_>, handshake: &Handshake) -> Report {
    let pid = Decimal::new(init.pid.load(Ordering::Acquire));
    let argv = [init.argv0.as_ptr(), pid.as_c_str().as_ptr(), ptr::null()];
    let envp = [ptr::null()];
    handshake.set_executing();
    // SAFETY: both arrays live here, and end with null.
    let errno = unsafe {
        child::execveat(init.executable, c"", argv.as_ptr(), envp.as_ptr(), AtFlags::EMPTY_PATH)
    };
    Report::new(Step::Init, errno)
}
