//! Hooks in the child, and when each of them runs.
#![allow(unsafe_code, reason = "hooks that make no system call and take no lock")]

use arbitrary::Arbitrary;
use ns_process::{Builder, HookContext};

/// The point of a start at which a hook runs, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Arbitrary)]
pub(super) enum HookPoint {
    PreUp,
    ExceptUp,
    PostUp,
    PreExec,
    ExceptExec,
    PostExec,
}

/// The progress of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The start failed in the parent, before the child ran a hook.
    NotStarted,
    SetUpFailed,
    ExecFailed,
    Runs,
    /// The closure has returned.
    Returned,
}

impl HookPoint {
    pub(super) const ALL: [Self; 6] = [
        Self::PreUp,
        Self::ExceptUp,
        Self::PostUp,
        Self::PreExec,
        Self::ExceptExec,
        Self::PostExec,
    ];

    /// Whether the hook runs in a start with this progress.
    pub(super) fn is_due(self, progress: Progress) -> bool {
        match self {
            Self::PreUp | Self::PostUp => progress != Progress::NotStarted,
            Self::ExceptUp => progress == Progress::SetUpFailed,
            Self::PreExec => !matches!(progress, Progress::NotStarted | Progress::SetUpFailed),
            Self::ExceptExec => progress == Progress::ExecFailed,
            Self::PostExec => progress == Progress::Returned,
        }
    }

    /// Registers a hook, which must make no system call and take no lock.
    pub(super) fn register<Kind>(
        self,
        builder: &mut Builder<Kind>,
        hook: impl FnMut(&HookContext) + Send + 'static,
    ) -> &mut Builder<Kind> {
        match self {
            // SAFETY: the hook takes no lock and does not read state that another thread may change.
            Self::PreUp => unsafe { builder.preup(hook) },
            // SAFETY: as above.
            Self::ExceptUp => unsafe { builder.exceptup(hook) },
            // SAFETY: as above.
            Self::PostUp => unsafe { builder.postup(hook) },
            // SAFETY: as above.
            Self::PreExec => unsafe { builder.preexec(hook) },
            // SAFETY: as above.
            Self::ExceptExec => unsafe { builder.exceptexec(hook) },
            // SAFETY: as above.
            Self::PostExec => unsafe { builder.postexec(hook) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(progress: Progress) -> Vec<HookPoint> {
        HookPoint::ALL.into_iter().filter(|point| point.is_due(progress)).collect()
    }

    #[test]
    fn hooks_run_in_the_documented_order() {
        use HookPoint::{ExceptExec, ExceptUp, PostExec, PostUp, PreExec, PreUp};
        assert_eq!(due(Progress::NotStarted), []);
        assert_eq!(due(Progress::SetUpFailed), [PreUp, ExceptUp, PostUp]);
        assert_eq!(due(Progress::ExecFailed), [PreUp, PostUp, PreExec, ExceptExec]);
        assert_eq!(due(Progress::Runs), [PreUp, PostUp, PreExec]);
        assert_eq!(due(Progress::Returned), [PreUp, PostUp, PreExec, PostExec]);
        assert!(HookPoint::ALL.is_sorted());
    }
}
