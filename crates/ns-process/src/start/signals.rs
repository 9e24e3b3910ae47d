//! No signal while two processes are one.

use ns_sys::child::{SignalSet, rt_sigprocmask};

/// Holds back every signal of this thread, those of libc too, until it is dropped.
///
/// A handler of the caller's must not run in the child, which begins with this mask.
pub(super) struct Blocked(Option<SignalSet>);

impl Blocked {
    pub(super) fn all() -> Self {
        // Fails where a seccomp filter forbids it; then there is nothing to restore.
        Self(rt_sigprocmask(SignalSet::ALL).ok())
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        if let Some(former) = self.0 {
            let _ = rt_sigprocmask(former);
        }
    }
}
