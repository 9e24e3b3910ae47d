//! Hooks of the child's, and when each is due.
#![allow(unsafe_code, reason = "hooks that make no call and take no lock")]

use arbitrary::Arbitrary;
use ns_process::{Builder, HookContext};

/// When a hook runs, in the order of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Arbitrary)]
pub(super) enum Moment {
    PreUp,
    ExceptUp,
    PostUp,
    PreExec,
    ExceptExec,
    PostExec,
}

/// How far a start, and what it started, went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// The caller gave up before the child began.
    Nowhere,
    SetUpFailed,
    ExecFailed,
    Runs,
    /// The closure has returned.
    Returned,
}

impl Moment {
    pub(super) const ALL: [Self; 6] = [
        Self::PreUp,
        Self::ExceptUp,
        Self::PostUp,
        Self::PreExec,
        Self::ExceptExec,
        Self::PostExec,
    ];

    /// Whether it has been run when a start went that far.
    pub(super) fn is_due(self, went: Went) -> bool {
        match self {
            Self::PreUp | Self::PostUp => went != Went::Nowhere,
            Self::ExceptUp => went == Went::SetUpFailed,
            Self::PreExec => !matches!(went, Went::Nowhere | Went::SetUpFailed),
            Self::ExceptExec => went == Went::ExecFailed,
            Self::PostExec => went == Went::Returned,
        }
    }

    /// Gives the builder a hook, which must make no call and take no lock.
    pub(super) fn give<Kind>(
        self,
        builder: &mut Builder<Kind>,
        hook: impl FnMut(&HookContext) + Send + 'static,
    ) -> &mut Builder<Kind> {
        match self {
            // SAFETY: whatever another thread was about to do is not looked at, here and below.
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

    fn due(went: Went) -> Vec<Moment> {
        Moment::ALL.into_iter().filter(|moment| moment.is_due(went)).collect()
    }

    #[test]
    fn an_order_of_the_contract() {
        use Moment::{ExceptExec, ExceptUp, PostExec, PostUp, PreExec, PreUp};
        assert_eq!(due(Went::Nowhere), []);
        assert_eq!(due(Went::SetUpFailed), [PreUp, ExceptUp, PostUp]);
        assert_eq!(due(Went::ExecFailed), [PreUp, PostUp, PreExec, ExceptExec]);
        assert_eq!(due(Went::Runs), [PreUp, PostUp, PreExec]);
        assert_eq!(due(Went::Returned), [PreUp, PostUp, PreExec, PostExec]);
        assert!(Moment::ALL.is_sorted());
    }
}
