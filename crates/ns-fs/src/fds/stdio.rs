//! The file of one descriptor.

use std::format;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use super::error::FdError;

/// The file of a descriptor in a new process.
///
/// A path is a path of the caller: it is opened in the parent, before any change of root.
#[derive(Clone, Debug)]
pub struct Stdio(pub(super) Kind);

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Inherit,
    Null,
    Piped,
    Path(PathBuf),
    Owned(Arc<OwnedFd>),
    /// Already opened by its path.
    Opened(Arc<OwnedFd>),
    Borrowed(BorrowedFd<'static>),
}

impl Stdio {
    /// Inherits the caller's descriptor of the same number, which may be closed.
    ///
    /// Its close-on-exec flag stays, as with std's `Command`. To clear the flag, pass the descriptor with
    /// [`Stdio::borrowed`] or [`Stdio::fd`].
    pub fn inherit() -> Self {
        Self(Kind::Inherit)
    }

    /// Opens `/dev/null`.
    pub fn null() -> Self {
        Self(Kind::Null)
    }

    /// Makes a pipe: the process gets one end, and the caller can take the other.
    pub fn piped() -> Self {
        Self(Kind::Piped)
    }

    /// Opens a file by its path: for reading at 0; for appending at 1 and 2, where a missing file is
    /// created.
    ///
    /// To open it in another mode, use [`Stdio::fd`] with an open file.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self(Kind::Path(path.into()))
    }

    /// Uses an open file, which several plans and descriptor numbers may share.
    pub fn fd(file: impl Into<OwnedFd>) -> Self {
        Self(Kind::Owned(Arc::new(file.into())))
    }

    /// Uses a file that stays open as long as the program runs, such as std's `stderr()`.
    ///
    /// For any other borrowed file, use [`Stdio::fd`] with `try_clone_to_owned`.
    pub fn borrowed(file: BorrowedFd<'static>) -> Self {
        Self(Kind::Borrowed(file))
    }

    pub(super) fn is_inherit(&self) -> bool {
        matches!(self.0, Kind::Inherit)
    }

    pub(super) fn as_path(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Path(path) => Some(path),
            _ => None,
        }
    }

    pub(super) fn is_piped(&self) -> bool {
        matches!(self.0, Kind::Piped)
    }

    /// Returns the system call that opens it at `number`, if there is one.
    pub(super) fn describe_opening(&self, number: RawFd) -> Option<String> {
        match &self.0 {
            Kind::Null => Some("openat(\"/dev/null\")".to_owned()),
            Kind::Piped => Some("pipe2(O_CLOEXEC)".to_owned()),
            Kind::Path(path) => {
                let flags = if number == 0 { "O_RDONLY" } else { "O_WRONLY | O_CREAT | O_APPEND" };
                Some(format!("openat({:?}, {flags})", path.to_string_lossy()))
            }
            Kind::Inherit | Kind::Owned(_) | Kind::Opened(_) | Kind::Borrowed(_) => None,
        }
    }

    /// Returns a name for it before it is open.
    pub(super) fn name(&self) -> String {
        match &self.0 {
            Kind::Inherit => "inherited".to_owned(),
            Kind::Null => "/dev/null".to_owned(),
            Kind::Piped => "pipe".to_owned(),
            Kind::Path(path) => format!("{:?}", path.to_string_lossy()),
            Kind::Owned(file) | Kind::Opened(file) => file.as_raw_fd().to_string(),
            Kind::Borrowed(file) => file.as_raw_fd().to_string(),
        }
    }

    /// Checks it, without a system call.
    pub(super) fn check(&self, number: RawFd) -> Result<(), FdError> {
        match &self.0 {
            Kind::Piped | Kind::Path(_) if number > 2 => Err(FdError::Direction { number }),
            Kind::Path(path) if path.as_os_str().as_bytes().contains(&0) => {
                Err(FdError::Nul { number, path: path.clone() })
            }
            Kind::Path(path) if path.as_os_str().is_empty() => Err(FdError::Empty { number }),
            _ => Ok(()),
        }
    }
}
