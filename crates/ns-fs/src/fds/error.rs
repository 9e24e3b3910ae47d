//! Why descriptors could not be planned.

use std::io;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::prelude::rust_2024::*;

use thiserror::Error;

/// A mistake in [`Descriptors`](crate::Descriptors), or a file that could not be opened.
///
/// `Display` says what was done; the errno is in `source()`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FdError {
    /// A descriptor has no negative number.
    #[error("descriptor {number}: is negative")]
    Number {
        /// The number.
        number: RawFd,
    },
    /// Pipes and paths have a direction, which only 0 to 2 tell.
    #[error("descriptor {number}: open the file or pipe yourself, above 2 it has no direction")]
    Direction {
        /// The number.
        number: RawFd,
    },
    /// The path has a NUL in it.
    #[error("descriptor {number}: {} has a NUL in it", path.display())]
    Nul {
        /// The number.
        number: RawFd,
        /// The path.
        path: PathBuf,
    },
    /// The path is empty.
    #[error("descriptor {number}: the path is empty")]
    Empty {
        /// The number.
        number: RawFd,
    },
    /// open(2) failed.
    #[error("descriptor {number}: could not open {}", path.display())]
    Open {
        /// The number.
        number: RawFd,
        /// The path.
        path: PathBuf,
        /// The errno.
        source: io::Error,
    },
    /// pipe2(2) or fcntl(2) failed.
    #[error("descriptor {number}: could not make a pipe")]
    Pipe {
        /// The number.
        number: RawFd,
        /// The errno.
        source: io::Error,
    },
}
