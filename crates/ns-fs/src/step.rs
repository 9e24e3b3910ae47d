//! What a step of the child's is called, and what it says when it fails.

use core::fmt;

use ns_sys::Errno;

/// A step of [`apply`](crate::apply).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// [`apply::propagation`](crate::apply::propagation).
    Propagation,
    /// [`apply::mount_proc`](crate::apply::mount_proc).
    MountProc,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Propagation => "propagation",
            Self::MountProc => "mount_proc",
        })
    }
}

/// A step that failed: no text and no heap, so that a child can make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StepError {
    /// Which step.
    pub step: Step,
    /// What the kernel said.
    pub errno: Errno,
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.step)
    }
}

impl core::error::Error for StepError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.errno)
    }
}
