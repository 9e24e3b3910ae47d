//! Session, process group, terminal, and the death of the parent.
#![allow(unsafe_code, reason = "prctl and ioctl with numbers")]

use ns_sys::child::{self, exit_group};
use ns_sys::fd::BorrowedFd;

use super::handshake::Report;
use super::plan::ChildPlan;
use super::wait;
use crate::step::Step;

/// `TIOCSCTTY` of include/uapi/asm-generic/ioctls.h.
const TIOCSCTTY: u32 = 0x540e;
/// `PR_SET_PDEATHSIG` of include/uapi/linux/prctl.h.
const PR_SET_PDEATHSIG: u32 = 1;

/// The exit code of a child whose parent is gone. Nobody reads it.
const ORPHAN: i32 = 126;

/// What the child belongs to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Session<'a> {
    /// Whether it leads a session of its own.
    pub(crate) new: bool,
    /// The process group that it joins; 0 is one of its own.
    pub(crate) group: Option<u32>,
    /// Becomes the controlling terminal of the new session.
    pub(crate) terminal: Option<BorrowedFd<'a>>,
    /// The signal that it gets when the thread that started it ends.
    pub(crate) die_with_parent: Option<u32>,
}

pub(super) fn begin(session: Session<'_>) -> Result<(), Report> {
    if session.new {
        child::setsid().map_err(|errno| Report::new(Step::Session, errno))?;
    }
    if let Some(group) = session.group {
        child::setpgid(0, group).map_err(|errno| Report::new(Step::ProcessGroup, errno))?;
    }
    if let Some(terminal) = session.terminal {
        // SAFETY: the argument is a number.
        unsafe { child::ioctl(terminal, TIOCSCTTY, 0) }
            .map_err(|errno| Report::new(Step::Terminal, errno))?;
    }
    Ok(())
}

/// The signal comes for a death after the call; for one before it the child looks.
pub(super) fn die_with_parent(plan: &ChildPlan<'_>) -> Result<(), Report> {
    let Some(signal) = plan.session.die_with_parent else { return Ok(()) };
    // SAFETY: the arguments are numbers.
    unsafe { child::prctl(PR_SET_PDEATHSIG, [signal as usize, 0, 0, 0]) }
        .map_err(|errno| Report::new(Step::DieWithParent, errno))?;
    match wait::is_gone(plan.parent) {
        Ok(false) => Ok(()),
        Ok(true) => exit_group(ORPHAN),
        Err(errno) => Err(Report::new(Step::DieWithParent, errno)),
    }
}
