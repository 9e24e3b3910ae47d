//! Why a root could not be planned.

use std::io;
use std::path::PathBuf;
use std::prelude::rust_2024::*;

use thiserror::Error;

/// A mistake in a [`Root`](crate::Root), one of its mounts or a [`Workdir`](crate::Workdir); no
/// process and no mount was made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RootError {
    /// A path is empty, or the target of a mount is the root itself.
    #[error("{what}: is empty")]
    Empty {
        /// Which one.
        what: String,
    },
    /// A path or option has a NUL in it.
    #[error("{what}: {} has a NUL in it", path.display())]
    Nul {
        /// Which one.
        what: String,
        /// What was given.
        path: PathBuf,
    },
    /// Longer than 4095 bytes, a relative path with the working directory before it.
    #[error("{what}: {length} bytes are too many, 4095 are possible")]
    TooLong {
        /// Which one.
        what: String,
        /// Its length.
        length: usize,
    },
    /// The target of a mount goes up.
    #[error("{what}: {} has a `..` in it", path.display())]
    Parent {
        /// Which one.
        what: String,
        /// What was given.
        path: PathBuf,
    },
    /// pivot_root(2) refuses shared mounts, and the bind below it would show outside.
    #[error("propagation: a pivoted root cannot be shared; use private or slave")]
    SharedPivot,
    /// Without a mount of its own, nothing can be read-only.
    #[error("read_only: only a pivoted root has a mount of its own")]
    ReadOnlyWithoutPivot,
    /// getcwd(2) failed, and a path is relative.
    #[error("the working directory has no path; give absolute ones")]
    CurrentDir {
        /// The errno.
        source: io::Error,
    },
}
