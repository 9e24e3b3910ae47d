//! Signals that the caller ignores or handles.

use ns_sys::child;

/// The number of signals (`_NSIG`).
const SIGNALS: u32 = 64;

/// What the child still has of the caller's, and gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dispositions {
    /// Nothing: `CLEAR_SIGHAND` took the handlers, and what is ignored stays so.
    Kept,
    /// Handlers: it is fork's own child.
    Handled,
    /// Ignored signals, and handlers if there are any.
    All,
}

pub(super) fn reset(dispositions: Dispositions) {
    match dispositions {
        Dispositions::Kept => {}
        Dispositions::Handled => clear_handlers(),
        Dispositions::All => (1..=SIGNALS).for_each(clear),
    }
}

/// Takes handlers away, and leaves ignored signals ignored, as `CLEAR_SIGHAND` does.
pub(super) fn clear_handlers() {
    let is_handled = |signal: &u32| child::rt_sigaction_is_handled(*signal) == Ok(true);
    (1..=SIGNALS).filter(is_handled).for_each(clear);
}

/// Refused for SIGKILL and SIGSTOP, which have no other.
fn clear(signal: u32) {
    let _ = child::rt_sigaction_default(signal);
}
