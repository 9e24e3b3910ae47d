//! Signal dispositions and the signal mask of the program.

use ns_sys::Signal;
use ns_sys::child::{self, SignalSet};

use super::handshake::Report;
use crate::step::Step;

/// The dispositions that the child resets to the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dispositions {
    /// None: `CLONE_CLEAR_SIGHAND` has reset the handlers, and ignored signals stay ignored.
    Kept,
    /// The handlers: fork(2) does not reset them. Ignored signals stay ignored.
    Handled,
    /// All, ignored signals included.
    All,
}

#[expect(clippy::unnecessary_wraps, reason = "a step")]
#[inline]
pub(super) fn reset_dispositions(dispositions: Dispositions) -> Result<(), Report> {
    match dispositions {
        Dispositions::Kept => {}
        Dispositions::Handled => clear_handlers(),
        Dispositions::All => SignalSet::ALL.iter().for_each(clear),
    }
    Ok(())
}

/// Resets handlers and leaves ignored signals ignored, as `CLONE_CLEAR_SIGHAND` does.
pub(super) fn clear_handlers() {
    let is_handled = |signal: &Signal| child::rt_sigaction_is_handled(*signal) == Ok(true);
    SignalSet::ALL.iter().filter(is_handled).for_each(clear);
}

/// The kernel refuses SIGKILL and SIGSTOP, which always have the default disposition.
fn clear(signal: Signal) {
    let _ = child::rt_sigaction_default(signal);
}

#[inline]
pub(super) fn set_mask(mask: SignalSet) -> Result<(), Report> {
    child::rt_sigprocmask(mask).map_err(|errno| Report::new(Step::SignalMask, errno))?;
    Ok(())
}
