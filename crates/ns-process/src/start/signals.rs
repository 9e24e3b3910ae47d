//! Blocks all signals while parent and child share memory.

use ns_sys::child::{SignalSet, rt_sigprocmask};

/// Blocks every signal of this thread, including those of libc, until it is dropped.
///
/// No signal handler of the caller must run in the child, which begins with this mask.
pub(super) struct Blocked(Option<SignalSet>);

impl Blocked {
    pub(super) fn all() -> Self {
        // If a seccomp filter forbids the call, no signal is blocked and no mask is restored.
        Self(rt_sigprocmask(SignalSet::ALL).ok())
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        if let Some(previous) = self.0 {
            let _ = rt_sigprocmask(previous);
        }
    }
}
