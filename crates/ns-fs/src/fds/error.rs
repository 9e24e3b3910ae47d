//! Errors of a descriptor plan.

use std::io;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::prelude::rust_2024::*;

use thiserror::Error;

/// An invalid setting in [`Descriptors`](crate::Descriptors), or a file that could not be opened.
///
/// `Display` names the operation; `source()` is the errno.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FdError {
    /// The descriptor number is negative.
    #[error("descriptor {number}: the number is negative")]
    Number {
        /// The descriptor number.
        number: RawFd,
    },
    /// [`Stdio::piped`](crate::Stdio::piped) at a number above 2: only 0 to 2 have a direction.
    #[error("descriptor {number}: a pipe above 2 has no direction; make one and pass an end of it")]
    Direction {
        /// The descriptor number.
        number: RawFd,
    },
    /// The path contains a NUL byte.
    #[error("descriptor {number}: the path contains a NUL byte: {}", path.display())]
    Nul {
        /// The descriptor number.
        number: RawFd,
        /// The path.
        path: PathBuf,
    },
    /// The path is empty.
    #[error("descriptor {number}: the path is empty")]
    Empty {
        /// The descriptor number.
        number: RawFd,
    },
    /// open(2) or fcntl(2) failed.
    #[error("descriptor {number}: could not open {}", path.display())]
    Open {
        /// The descriptor number.
        number: RawFd,
        /// The path.
        path: PathBuf,
        /// The errno.
        source: io::Error,
    },
    /// memfd_create(2), pwrite(2) or fcntl(2) failed for [`Stdio::bytes`](crate::Stdio::bytes).
    #[error("descriptor {number}: could not make a file in memory")]
    Bytes {
        /// The descriptor number.
        number: RawFd,
        /// The errno.
        source: io::Error,
    },
    /// pipe2(2) or fcntl(2) failed.
    #[error("descriptor {number}: could not make a pipe")]
    Pipe {
        /// The descriptor number.
        number: RawFd,
        /// The errno.
        source: io::Error,
    },
    /// The descriptor number is not below `RLIMIT_NOFILE`.
    #[error("descriptor {number}: the number is not below RLIMIT_NOFILE")]
    Limit {
        /// The descriptor number.
        number: RawFd,
    },
    /// pipe2(2) or fcntl(2) failed for the placeholder at the descriptor number.
    #[error("descriptor {number}: could not reserve the number")]
    Reserve {
        /// The descriptor number.
        number: RawFd,
        /// The errno.
        source: io::Error,
    },
}
