//! Signals that the caller ignores.

use ns_sys::child;

use super::child_plan::ChildPlan;

/// The number of signals (`_NSIG`).
const SIGNALS: u32 = 64;

/// Takes handlers away, and leaves ignored signals ignored, as `CLEAR_SIGHAND` does.
pub(super) fn clear_handlers() {
    for signal in 1..=SIGNALS {
        if child::rt_sigaction_is_handled(signal) == Ok(true) {
            let _ = child::rt_sigaction_default(signal);
        }
    }
}

/// `CLEAR_SIGHAND` took handlers away and left ignored signals ignored.
pub(super) fn reset(plan: &ChildPlan<'_>) {
    if plan.inherit_ignored {
        return;
    }
    for signal in 1..=SIGNALS {
        // Refused for SIGKILL and SIGSTOP, which have no other.
        let _ = child::rt_sigaction_default(signal);
    }
}
