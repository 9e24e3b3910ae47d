//! No signal while two processes are one.

use ns_sys::child::{SignalSet, rt_sigprocmask};

/// Holds back every signal of this thread, those of libc too, until it is dropped.
///
/// A handler of the caller's must not run in the child, which begins with this mask.
pub(super) struct Blocked(SignalSet);

impl Blocked {
    pub(super) fn all() -> Self {
        // Fails for a bad pointer only.
        Self(rt_sigprocmask(SignalSet::ALL).unwrap_or(SignalSet::EMPTY))
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let _ = rt_sigprocmask(self.0);
    }
}
