//! Descriptors on the numbers they were planned for.
#![allow(unsafe_code, reason = "descriptors by number, which a child has no owners for")]

use core::fmt;

use ns_sys::child;
use ns_sys::fd::{BorrowedFd, RawFd};

use crate::{Step, StepError};

/// One of the moves that put descriptors in their places, in the order of an
/// [`FdPlan`](crate::FdPlan).
///
/// Moves that run in a circle go through one temporary descriptor: [`Save`](FdStep::Save) makes it,
/// the next [`Restore`](FdStep::Restore) ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FdStep {
    /// `to` becomes the file of `from`.
    Duplicate {
        /// An open descriptor.
        from: RawFd,
        /// Another number.
        to: RawFd,
    },
    /// A descriptor that has its number already loses its close-on-exec flag.
    Inherit {
        /// An open descriptor.
        fd: RawFd,
    },
    /// The file of `from` gets a temporary descriptor besides.
    Save {
        /// An open descriptor.
        from: RawFd,
    },
    /// `to` becomes the file saved before, whose temporary descriptor is closed.
    Restore {
        /// The number.
        to: RawFd,
    },
}

/// A number that no descriptor of a program's own takes.
const ABOVE_STDIO: RawFd = 3;

/// `dup3(from, to, 0)` … — puts descriptors on the numbers that a plan gives them, to stay open across
/// exec.
///
/// # Errors
/// [`Step::PlaceFd`] with the number:
/// - `EBADF`: a source is not open, or the number is not below `RLIMIT_NOFILE`.
/// - `EMFILE`, `EINVAL`: `RLIMIT_NOFILE` leaves no number for the temporary descriptor of a circle.
///
/// # Safety
/// The caller is alone in its descriptor table, as after fork(2) or clone(2) without `CLONE_FILES`,
/// and nobody uses an owned descriptor of a target number afterwards. Numbers are not negative.
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
/// let mut wish = Descriptors::new();
/// wish.stdout(Stdio::null()).stderr(Stdio::null());
/// let plan = FdPlan::new(&wish)?;
/// let mut command = std::process::Command::new("ls");
/// // SAFETY: the child is alone in its table, and goes on to exec; nothing allocates.
/// unsafe {
///     command.pre_exec(move || apply::place_fds(plan.steps()).map_err(|error| error.errno.into()));
/// }
/// assert!(command.status()?.success());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// dup3(2), fcntl(2); fs/file.c.
pub unsafe fn place_fds(steps: &[FdStep]) -> Result<(), StepError> {
    let mut saved = None;
    for step in steps {
        // SAFETY: the caller's own contract.
        unsafe { place(*step, &mut saved) }
            .map_err(|errno| StepError { step: Step::PlaceFd(step.number()), errno })?;
    }
    Ok(())
}

/// # Safety
/// As [`place_fds`].
unsafe fn place(step: FdStep, saved: &mut Option<RawFd>) -> ns_sys::Result<()> {
    match step {
        // SAFETY: nobody owns the target, as the caller vouches.
        FdStep::Duplicate { from, to } => unsafe { child::dup3(open(from), to, false) },
        FdStep::Inherit { fd } => child::fcntl_setfd(open(fd), false),
        FdStep::Save { from } => {
            *saved = Some(child::fcntl_dupfd_cloexec(open(from), ABOVE_STDIO)?);
            Ok(())
        }
        // SAFETY: as above.
        FdStep::Restore { to } => unsafe { restore(saved.take(), to) },
    }
}

/// # Safety
/// As [`place_fds`]; `saved` was made by [`FdStep::Save`].
unsafe fn restore(saved: Option<RawFd>, to: RawFd) -> ns_sys::Result<()> {
    let temporary = saved.ok_or(ns_sys::Errno::BADF)?;
    // SAFETY: nobody owns the target, as the caller vouches.
    unsafe { child::dup3(open(temporary), to, false) }?;
    // An error tells of earlier writes to that file; the number is free all the same.
    // SAFETY: made by the step before, for this one alone.
    let _ = unsafe { child::close(temporary) };
    Ok(())
}

/// What is open, or not, at a number: the kernel decides, and nothing outlives the call.
fn open<'a>(fd: RawFd) -> BorrowedFd<'a> {
    // SAFETY: not -1, as the caller of `place_fds` vouches; used for one call only.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

impl FdStep {
    /// The number it is about.
    const fn number(self) -> RawFd {
        match self {
            Self::Duplicate { to, .. } | Self::Restore { to } => to,
            Self::Inherit { fd } => fd,
            Self::Save { from } => from,
        }
    }
}

/// Its system calls.
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
