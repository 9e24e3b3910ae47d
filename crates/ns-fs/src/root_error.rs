//! Errors of a root plan.

use std::io;
use std::path::PathBuf;
use std::prelude::rust_2024::*;

use thiserror::Error;

/// An invalid [`Root`](crate::Root), [`Mount`](crate::Mount) or [`Workdir`](crate::Workdir).
///
/// The parent returns it before any process or mount is made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RootError {
    /// A path or option is empty.
    #[error("{what} is empty")]
    Empty {
        /// The name of the setting.
        what: String,
    },
    /// A path or option contains a NUL byte.
    #[error("{what} contains a NUL byte: {}", path.display())]
    Nul {
        /// The name of the setting.
        what: String,
        /// Its value.
        path: PathBuf,
    },
    /// A path or option is longer than 4095 bytes. A relative path counts together with the working
    /// directory before it.
    #[error("{what} is {length} bytes long; the maximum is 4095")]
    TooLong {
        /// The name of the setting.
        what: String,
        /// Its length in bytes.
        length: usize,
    },
    /// The target of a mount contains `..`.
    #[error("{what} must not contain `..`")]
    Parent {
        /// The name of the setting.
        what: String,
        /// Its value.
        path: PathBuf,
    },
    /// [`Propagation::Shared`](crate::Propagation::Shared) with [`Root::pivot`](crate::Root::pivot):
    /// pivot_root(2) refuses shared mounts, and the new root's bind mount would propagate to the
    /// caller's mount namespace.
    #[error("propagation: pivot_root refuses shared mounts; use private or slave")]
    SharedPivot,
    /// [`Propagation::Unbindable`](crate::Propagation::Unbindable) for all mounts, of which none could be
    /// bound then.
    #[error("propagation: no mount could be bound; use private")]
    Unbindable,
    /// A mount does not have an option, or not this value.
    #[error("{what}: {reason}")]
    Option {
        /// The mount and its setting.
        what: String,
        /// Why it is refused.
        reason: &'static str,
    },
    /// The target is `/`, but only the first mount may become the root, and only a file system, bind, tree or
    /// overlay.
    #[error("{what}: only a first mount may become the root, and only a file system or a bind")]
    Root {
        /// The mount.
        what: String,
    },
    /// A tree could not be opened.
    #[error(transparent)]
    Tree(crate::TreeError),
    /// [`Root::read_only`](crate::Root::read_only) without a new root made by pivot_root(2): the root is
    /// not a separate mount.
    #[error("read_only: needs a root made by pivot_root")]
    ReadOnlyWithoutPivot,
    /// A path is relative, and getcwd(2) failed.
    #[error("the path of the working directory is unknown; use absolute paths")]
    CurrentDir {
        /// The errno.
        source: io::Error,
    },
}
