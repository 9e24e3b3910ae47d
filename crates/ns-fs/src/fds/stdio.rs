//! The file of one descriptor.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use super::bytes::Bytes;
use super::error::FdError;
use super::path::{Access, PathFile};

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
    Bytes(Bytes),
    Path(PathFile),
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
    ///
    /// Only for the numbers 0 to 2, which have a direction: the process reads at 0 and writes at 1 and 2.
    /// For another number make the pipe, as with std's `pipe`, and pass one end with [`Stdio::fd`].
    ///
    /// A pipe holds 64 KiB. A process that writes more waits until the caller reads, so read stdout and
    /// stderr before waiting for the exit of the process, and both at once if both are pipes.
    ///
    /// # References
    /// pipe(7).
    pub fn piped() -> Self {
        Self(Kind::Piped)
    }

    /// Gives the process these bytes to read, at any descriptor number: a read-only file in memory.
    ///
    /// Each start copies the bytes into a new file, which is sealed: no process can change it. The process reads from
    /// offset 0 and can seek. Unlike with a pipe, no thread has to write the bytes. The memory is charged to the
    /// caller's cgroup, and is freed when the last process has closed the file.
    ///
    /// # Examples
    /// ```
    /// use ns_fs::{Descriptors, Stdio};
    ///
    /// let mut descriptors = Descriptors::new();
    /// descriptors.stdin(Stdio::bytes("a line\n")).place(3, Stdio::bytes(vec![0; 1 << 20]));
    /// let opening = descriptors.describe_opening().to_string();
    /// assert!(opening.starts_with("memfd_create(\"input\"); pwrite(7 bytes)"));
    /// ```
    ///
    /// # References
    /// memfd_create(2), fcntl(2) `F_ADD_SEALS`.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Kind::Bytes(Bytes(Arc::new(bytes.into()))))
    }

    /// Opens a file by its path, in the mode that suits the descriptor number.
    ///
    /// - At 0: for reading, as `< path` of a shell.
    /// - At 1 and 2: for appending; a missing file is created. As `>> path`.
    /// - Above 2: for reading and writing, at the beginning of the file, which must exist.
    ///
    /// [`Stdio::read`], [`Stdio::append`] and [`Stdio::create`] open it in the same mode at every number.
    /// To open it in another mode, use [`Stdio::fd`] with an open file.
    ///
    /// # References
    /// open(2).
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self(Kind::Path(PathFile { path: path.into(), access: None }))
    }

    /// Opens a file by its path for reading, at any descriptor number.
    ///
    /// # Examples
    /// ```
    /// use ns_fs::{Descriptors, Stdio};
    ///
    /// let mut descriptors = Descriptors::new();
    /// descriptors.place(3, Stdio::read("/etc/passwd")).place(4, Stdio::append("/var/log/job"));
    /// let opening = descriptors.describe_opening().to_string();
    /// assert!(opening.starts_with(r#"openat("/etc/passwd", O_RDONLY)"#));
    /// ```
    ///
    /// # References
    /// open(2).
    pub fn read(path: impl Into<PathBuf>) -> Self {
        Self::open(path, Access::Read)
    }

    /// Opens a file by its path for appending, at any descriptor number; a missing file is created.
    ///
    /// # References
    /// open(2).
    pub fn append(path: impl Into<PathBuf>) -> Self {
        Self::open(path, Access::Append)
    }

    /// Opens a file by its path for writing, at any descriptor number. A missing file is created, and an
    /// existing one is truncated.
    ///
    /// # References
    /// open(2).
    pub fn create(path: impl Into<PathBuf>) -> Self {
        Self::open(path, Access::Create)
    }

    fn open(path: impl Into<PathBuf>, access: Access) -> Self {
        Self(Kind::Path(PathFile { path: path.into(), access: Some(access) }))
    }

    /// Uses an open file, which several plans and descriptor numbers may share.
    pub fn fd(file: impl Into<OwnedFd>) -> Self {
        Self(Kind::Owned(Arc::new(file.into())))
    }

    /// Uses a file that stays open as long as the program runs, such as `rustix::stdio::stderr()`.
    ///
    /// For any other borrowed file, use [`Stdio::fd`] with `try_clone_to_owned`.
    pub fn borrowed(file: BorrowedFd<'static>) -> Self {
        Self(Kind::Borrowed(file))
    }

    pub(super) fn is_inherit(&self) -> bool {
        matches!(self.0, Kind::Inherit)
    }

    pub(super) fn as_path(&self) -> Option<&PathFile> {
        match &self.0 {
            Kind::Path(file) => Some(file),
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
            Kind::Bytes(bytes) => Some(bytes.describe()),
            Kind::Path(file) => Some(file.describe(number)),
            Kind::Inherit | Kind::Owned(_) | Kind::Opened(_) | Kind::Borrowed(_) => None,
        }
    }

    /// Returns a name for it before it is open.
    pub(super) fn name(&self) -> String {
        match &self.0 {
            Kind::Inherit => "inherited".to_owned(),
            Kind::Null => "/dev/null".to_owned(),
            Kind::Piped => "pipe".to_owned(),
            Kind::Bytes(_) => "bytes".to_owned(),
            Kind::Path(file) => file.name(),
            Kind::Owned(file) | Kind::Opened(file) => file.as_raw_fd().to_string(),
            Kind::Borrowed(file) => file.as_raw_fd().to_string(),
        }
    }

    /// Checks it, without a system call.
    pub(super) fn check(&self, number: RawFd) -> Result<(), FdError> {
        match &self.0 {
            Kind::Piped if number > 2 => Err(FdError::Direction { number }),
            Kind::Path(file) => file.check(number),
            _ => Ok(()),
        }
    }
}

/// As [`Stdio::fd`]: an open file, such as a `File`, a socket, the end of a pipe or a stream of std's
/// `Child`.
impl<File: Into<OwnedFd>> From<File> for Stdio {
    fn from(file: File) -> Self {
        Self::fd(file)
    }
}
