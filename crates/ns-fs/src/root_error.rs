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
    /// A path or option is empty, or the target of a mount is the root itself.
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
    #[error("{what} contains `..`: {}", path.display())]
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
    /// [`Root::read_only`](crate::Root::read_only) without [`Root::pivot`](crate::Root::pivot): the
    /// root is not a separate mount.
    #[error("read_only: needs a root made by pivot_root")]
    ReadOnlyWithoutPivot,
    /// A path is relative, and getcwd(2) failed.
    #[error("the path of the working directory is unknown; use absolute paths")]
    CurrentDir {
        /// The errno.
        source: io::Error,
    },
}
