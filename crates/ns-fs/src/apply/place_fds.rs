//! Moving descriptors to their planned numbers.
#![allow(unsafe_code, reason = "descriptors by number, which have no owner in the child")]

use core::fmt;

use ns_sys::child;
use ns_sys::fd::{BorrowedFd, RawFd};

use crate::{Step, StepError};

/// One move of a descriptor to its number; an [`FdPlan`](crate::FdPlan) puts the moves in order.
///
/// A cycle of moves uses one temporary descriptor: [`Save`](FdStep::Save) makes it, and the next
/// [`Restore`](FdStep::Restore) closes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FdStep {
    /// Duplicates `from` to `to`.
    Duplicate {
        /// An open descriptor.
        from: RawFd,
        /// Another descriptor number.
        to: RawFd,
    },
    /// Clears the close-on-exec flag of a descriptor that already has its number.
    Inherit {
        /// An open descriptor.
        fd: RawFd,
    },
    /// Duplicates `from` to a temporary descriptor.
    Save {
        /// An open descriptor.
        from: RawFd,
    },
    /// Duplicates the temporary descriptor to `to`, and closes it.
    Restore {
        /// The descriptor number.
        to: RawFd,
    },
}

/// The lowest number of a temporary descriptor.
const ABOVE_STDIO: RawFd = 3;

/// `dup3(from, to, 0)` … — moves descriptors to the numbers of a plan, without close-on-exec.
///
/// # Errors
/// [`Step::PlaceFd`] with the descriptor number:
/// - `EBADF`: a source is not open, or the number is not below `RLIMIT_NOFILE`.
/// - `EMFILE`, `EINVAL`: `RLIMIT_NOFILE` leaves no number for the temporary descriptor of a cycle.
///
/// # Safety
/// The caller does not share its descriptor table, as after fork(2) or clone(2) without `CLONE_FILES`,
/// and no owned descriptor at a target number is used afterwards. In `pre_exec` of std's `Command` this
/// holds for the numbers above 2 of [`FdPlan::new`](crate::FdPlan::new), which reserves them. No descriptor
/// number is negative.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.27.
///
/// # Examples
/// ```
/// use std::os::unix::process::CommandExt;
/// use ns_fs::{Descriptors, FdPlan, Stdio, apply};
///
/// let mut descriptors = Descriptors::new();
/// descriptors.stdout(Stdio::null()).stderr(Stdio::null());
/// let plan = FdPlan::new(&descriptors)?;
/// let mut command = std::process::Command::new("ls");
/// // SAFETY: the closure only makes bare system calls, in a forked child that then calls exec.
/// unsafe { command.pre_exec(move || Ok(apply::place_fds(plan.steps())?)) };
/// assert!(command.status()?.success());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// dup3(2), fcntl(2); fs/file.c.
pub unsafe fn place_fds(steps: &[FdStep]) -> Result<(), StepError> {
    let mut saved = None;
    for step in steps {
        // SAFETY: this function has the same contract.
        unsafe { place(*step, &mut saved) }.map_err(Step::PlaceFd(step.number()).failed())?;
    }
    Ok(())
}

/// # Safety
/// As [`place_fds`].
unsafe fn place(step: FdStep, saved: &mut Option<RawFd>) -> ns_sys::Result<()> {
    match step {
        // SAFETY: the caller promises that no owner uses the target.
        FdStep::Duplicate { from, to } => unsafe { child::dup3(borrow(from), to, false) },
        FdStep::Inherit { fd } => child::fcntl_setfd(borrow(fd), false),
        FdStep::Save { from } => {
            *saved = Some(child::fcntl_dupfd_cloexec(borrow(from), ABOVE_STDIO)?);
            Ok(())
        }
        // SAFETY: `saved` is from `FdStep::Save`; the rest is this function's own contract.
        FdStep::Restore { to } => unsafe { restore(saved.take(), to) },
    }
}

/// # Safety
/// As [`place_fds`]; `saved` was made by [`FdStep::Save`].
unsafe fn restore(saved: Option<RawFd>, to: RawFd) -> ns_sys::Result<()> {
    let temporary = saved.ok_or(ns_sys::Errno::BADF)?;
    // SAFETY: the caller promises that no owner uses the target.
    unsafe { child::dup3(borrow(temporary), to, false) }?;
    // An error is about earlier writes to the file; the descriptor is closed in any case.
    // SAFETY: `FdStep::Save` made it, and only this step uses it.
    let _ = unsafe { child::close(temporary) };
    Ok(())
}

/// Makes a `BorrowedFd` of the descriptor number `fd` for one system call. If no descriptor has this number, the call
/// fails.
fn borrow<'a>(fd: RawFd) -> BorrowedFd<'a> {
    // SAFETY: the caller of `place_fds` promises that it is not -1; the borrow ends with the call.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

impl FdStep {
    /// Returns the descriptor number for an error.
    const fn number(self) -> RawFd {
        match self {
            Self::Duplicate { to, .. } | Self::Restore { to } => to,
            Self::Inherit { fd } => fd,
            Self::Save { from } => from,
        }
    }
}

/// Prints the system calls.
impl fmt::Display for FdStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { from, to } => write!(f, "dup3({from}, {to}, 0)"),
            Self::Inherit { fd } => write!(f, "fcntl({fd}, F_SETFD, 0)"),
            Self::Save { from } => write!(f, "fcntl({from}, F_DUPFD_CLOEXEC, {ABOVE_STDIO})"),
            Self::Restore { to } => write!(f, "dup3(temporary, {to}, 0), close(temporary)"),
        }
    }
}
