//! The program's own dumpable flag, set beside starts that need it otherwise for a while.

use crate::error::Error;
use crate::step::Step;

/// `prctl(PR_SET_DUMPABLE, dumpable)` — sets the "dumpable" attribute of the calling process, as the program
/// wants it.
///
/// A start may clear the attribute for a short time, and sets it again. It cannot tell a 0 that the program
/// set meanwhile by prctl(2) from its own, and would undo it. With this function nothing is undone: while such
/// a start goes on, the attribute stays clear, and has the value that was set here at the end.
///
/// A program that stays undumpable and has no privilege cannot write the maps of a child:
/// [`Step::UidMap`](crate::Step::UidMap), `EACCES`. That includes a start that is writing them just now.
///
/// ```standalone_crate
/// ns_process::set_dumpable(false)?;
/// let status = ns_process::Container::new("true").status()?;
/// assert!(status.success());
/// # Ok::<(), ns_process::Error>(())
/// ```
///
/// # Errors
/// None that a caller can act on.
///
/// # Kernel support
/// Linux 2.4.
///
/// # References
/// prctl(2) `PR_SET_DUMPABLE`, proc(5), ptrace(2).
pub fn set_dumpable(dumpable: bool) -> Result<(), Error> {
    super::dumpable::set_own(dumpable)
        .map_err(|errno| Error::new("set_dumpable", Step::Prepare).with_errno(errno))
}
