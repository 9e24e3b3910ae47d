//! What a descriptor is to be.

use std::format;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use super::error::FdError;

/// What a descriptor of a new process is.
///
/// Paths are the caller's: they are opened while the plan is made, before any change of root.
#[derive(Clone, Debug)]
pub struct Stdio(pub(super) Kind);

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Inherit,
    Null,
    Piped,
    Path(PathBuf),
    Owned(Arc<OwnedFd>),
    /// Opened by its path already.
    Opened(Arc<OwnedFd>),
    Borrowed(BorrowedFd<'static>),
}

impl Stdio {
    /// What the caller has at that number, or nothing if it has nothing there. Its close-on-exec flag
    /// stays as well, as with std's `Command`: place the descriptor itself to have it without.
    pub fn inherit() -> Self {
        Self(Kind::Inherit)
    }

    /// `/dev/null`.
    pub fn null() -> Self {
        Self(Kind::Null)
    }

    /// One end of a new pipe; [`FdPlan::take_pipe`](crate::FdPlan::take_pipe) gives the other.
    pub fn piped() -> Self {
        Self(Kind::Piped)
    }

    /// The caller's file of that name: read from the start at 0, appended to at 1 and 2, where it is
    /// created if it is not there.
    ///
    /// To open it in another way, open it yourself and use [`Stdio::fd`].
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self(Kind::Path(path.into()))
    }

    /// An open file, which several plans and numbers may share.
    pub fn fd(file: impl Into<OwnedFd>) -> Self {
        Self(Kind::Owned(Arc::new(file.into())))
    }

    /// A file that stays open for as long as the program runs, such as std's `stderr()`.
    ///
    /// For one that does not, use [`Stdio::fd`] with `try_clone_to_owned`.
    pub fn borrowed(file: BorrowedFd<'static>) -> Self {
        Self(Kind::Borrowed(file))
    }

    pub(super) fn is_inherit(&self) -> bool {
        matches!(self.0, Kind::Inherit)
    }

    pub(super) fn is_path(&self) -> bool {
        self.as_path().is_some()
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

    /// The system call that opens it for `number`, if there is one.
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

    /// What stands for its number before it is open.
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

    /// Finds a mistake, without a system call.
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
