//! Session, process group, controlling terminal, and parent-death signal.

use ns_sys::Signal;
use ns_sys::child::{self, exit_group};
use ns_sys::fd::BorrowedFd;

use super::handshake::Report;
use super::prctl::{self, Attribute};
use super::wait::{self, ParentWatch};
use crate::step::Step;

/// The exit code of a child whose parent has terminated. No process reads it.
const ORPHAN: i32 = 126;

/// The requested settings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Session<'a> {
    /// Whether to start a new session.
    pub(crate) new: bool,
    /// The process group to join; 0 for a new one.
    pub(crate) group: Option<u32>,
    /// The controlling terminal of the new session.
    pub(crate) terminal: Option<BorrowedFd<'a>>,
    /// The signal that the kernel sends when the thread that started the child terminates.
    pub(crate) die_with_parent: Option<Signal>,
}

#[inline]
pub(super) fn begin(session: Session<'_>) -> Result<(), Report> {
    if session.new {
        child::setsid().map_err(|errno| Report::new(Step::Session, errno))?;
    }
    if let Some(group) = session.group {
        child::setpgid(0, group).map_err(|errno| Report::new(Step::ProcessGroup, errno))?;
    }
    if let Some(terminal) = session.terminal {
        child::ioctl_tiocsctty(terminal).map_err(|errno| Report::new(Step::Terminal, errno))?;
    }
    Ok(())
}

/// Sets the parent-death signal. The kernel does not send it for a parent that has already terminated, so the child
/// checks for that.
#[inline]
pub(super) fn die_with_parent(
    signal: Option<Signal>,
    parent: Option<ParentWatch<'_>>,
) -> Result<(), Report> {
    let Some(signal) = signal else { return Ok(()) };
    prctl::set(Attribute::Pdeathsig, [signal.as_raw().unsigned_abs() as usize, 0])
        .map_err(|errno| Report::new(Step::DieWithParent, errno))?;
    match wait::has_terminated(parent) {
        Ok(false) => Ok(()),
        Ok(true) => exit_group(ORPHAN),
        Err(errno) => Err(Report::new(Step::DieWithParent, errno)),
    }
}
