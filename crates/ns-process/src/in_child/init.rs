//! Pid 1 of a start with an init: forks the process for the program, waits until the program is executed, and
//! executes the init.
//!
//! The common setup precedes the fork. Pid 1 drops the same privileges as the program, because the program may be
//! able to trace it.
#![allow(unsafe_code, reason = "clone3(2) in shared memory, and execveat(2) with pointer arrays")]

use core::ffi::CStr;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use ns_sys::child::{self, AtFlags, SignalSet, exit_group};
use ns_sys::fd::{BorrowedFd, RawFd};
use ns_sys::{CloneArgs, Signal};

use super::decimal::Decimal;
use super::handshake::{Handshake, Report};
use super::hooks::ChildCode;
use super::plan::ChildPlan;
use super::{entry, executed};
use crate::step::Step;

/// The descriptor number to which the init writes the wait status of the program.
pub(crate) const STATUS: RawFd = 3;

/// The exit code of pid 1 if the program was not executed. The reason is in the handshake of the program's process.
const NO_PROGRAM: i32 = 126;

/// The configuration of pid 1, in addition to its own steps.
#[derive(Clone, Copy)]
pub(crate) struct Init<'a> {
    /// The arguments of the clone of the program's process.
    pub(crate) args: &'a CloneArgs<'a>,
    /// The steps of the program's process.
    pub(crate) program: &'a ChildPlan<'a>,
    /// The process ID of the program's process, in the pid namespace of pid 1.
    pub(crate) pid: &'a AtomicU32,
    /// The wait status of that process, if it exits before exec.
    pub(crate) ended: &'a AtomicI32,
    /// The init that pid 1 executes.
    pub(crate) executable: BorrowedFd<'a>,
    pub(crate) argv0: &'a CStr,
}

/// Forks the process for the program, if this is pid 1 of an init.
#[inline]
pub(super) fn fork_program(
    init: Option<Init<'_>>,
    child_code: Option<&dyn ChildCode>,
) -> Result<(), Report> {
    let Some(init) = init else { return Ok(()) };
    // If SIGCHLD were ignored or unblocked, the init would miss the exit of the program.
    let _ = child::rt_sigaction_default(Signal::CHILD);
    let masked = child::rt_sigprocmask(SignalSet::ALL);
    masked.map_err(|errno| Report::new(Step::SignalMask, errno))?;
    let make = if child_code.is_some() { entry::clone_with_copy } else { entry::clone };
    // SAFETY: all signals are blocked, and the caller that made pid 1 keeps a stack and a handshake for each of the
    // two processes. With `child_code`, pid 1 has its own copy of the memory and a single thread.
    let made = unsafe { make(init.args, init.program) };
    made.map_err(|errno| Report::new(Step::Clone, errno))?;
    // The mount of its working directory could not be unmounted.
    child::chdir(c"/").map_err(|errno| Report::new(Step::Init, errno))
}

/// Waits until the program is executed. If the program's process exits before that, pid 1 exits.
#[inline]
pub(super) fn wait_for_program(init: Option<Init<'_>>) -> Result<(), Report> {
    let Some(init) = init else { return Ok(()) };
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

/// Executes the init. Returns only on an error.
pub(super) fn execute(init: Init<'_>, handshake: &Handshake) -> Report {
    let pid = Decimal::new(init.pid.load(Ordering::Acquire));
    let argv = [init.argv0.as_ptr(), pid.as_c_str().as_ptr(), ptr::null()];
    let envp = [ptr::null()];
    handshake.set_executing();
    // SAFETY: both arrays are local variables, and end with a null pointer.
    let errno = unsafe {
        child::execveat(init.executable, c"", argv.as_ptr(), envp.as_ptr(), AtFlags::EMPTY_PATH)
    };
    Report::new(Step::Init, errno)
}
