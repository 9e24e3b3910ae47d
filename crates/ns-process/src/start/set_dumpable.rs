//! Sets the program's dumpable flag without conflict with starts that change it temporarily.

use crate::error::Error;
use crate::step::Step;

/// `prctl(PR_SET_DUMPABLE, dumpable)` — sets the "dumpable" attribute of the calling process.
///
/// A start may clear the attribute for a short time, and sets it again afterwards. It cannot
/// distinguish a 0 that the program sets meanwhile by prctl(2) from its own, and would undo it.
/// This function is not undone: while such a start runs, the attribute stays clear, and at its end
/// it gets the value that was set here.
///
/// An unprivileged program that stays undumpable cannot write the maps of a child:
/// [`Step::UidMap`](crate::Step::UidMap), `EACCES`. This also applies to a start that is writing
/// them at the moment of the call.
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
    super::dumpable::set_program_value(dumpable)
        .map_err(|errno| Error::new("set_dumpable", Step::Prepare).with_errno(errno))
}
