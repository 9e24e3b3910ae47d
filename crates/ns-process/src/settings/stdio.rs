//! Standard streams and other descriptors.

use std::error::Error as _;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::prelude::rust_2024::*;
use std::time::{Duration, Instant};
use std::{format, io};

use ns_fs::{Descriptors, FdError, Stdio};
use ns_sys::{CloneFlags, Errno};

use super::Builder;
use crate::error::Error;
use crate::hint;
use crate::step::Step;

/// The requested descriptors.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamConfig {
    pub(crate) descriptors: Descriptors,
    /// Whether stdin, stdout and stderr are set.
    pub(crate) set: [bool; 3],
    /// Whether `close_fds(true)` is requested explicitly.
    pub(crate) closes: bool,
    /// The descriptors that a closure keeps in addition to the standard and the passed ones; `None` keeps all.
    pub(crate) close_except: Option<Vec<RawFd>>,
}

/// # Streams and descriptors
///
/// The standard streams and the other open files of the program.
impl<Kind> Builder<Kind> {
    /// Sets the standard input; by default it is the caller's.
    ///
    /// Besides a [`Stdio`], each stream and [`fd`](Self::fd) take any value that owns a descriptor: a `File`, a socket,
    /// an end of std's `pipe`, or the stream of a child. The builder keeps it open, and several starts share it. A
    /// `Stdio` of std cannot be converted: it gives no access to its descriptor.
    ///
    /// # Examples
    /// ```
    /// use std::process::{Command, Stdio};
    ///
    /// use ns_process::Container;
    ///
    /// let echo = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn();
    /// let mut echo = echo.expect("spawn");
    /// let mut container = Container::new("cat");
    /// container.stdin(echo.stdout.take().expect("it is piped"));
    /// assert_eq!(container.output()?.stdout, b"hello\n");
    /// echo.wait().expect("wait");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn stdin(&mut self, file: impl Into<Stdio>) -> &mut Self {
        self.fd(0, file)
    }

    /// Sets the standard output; by default it is the caller's.
    ///
    /// A pipe holds 64 KiB: read it before the process is joined, or use [`output`](Self::output).
    ///
    /// # Examples
    /// ```
    /// use std::io::Read;
    ///
    /// use ns_process::{Container, Stdio};
    ///
    /// let mut process = Container::new("echo").arg("hello").stdout(Stdio::piped()).start()?;
    /// let mut text = String::new();
    /// process.take_stdout().expect("it is piped").read_to_string(&mut text).expect("a pipe");
    /// assert_eq!(text, "hello\n");
    /// process.join()?;
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn stdout(&mut self, file: impl Into<Stdio>) -> &mut Self {
        self.fd(1, file)
    }

    /// Sets the standard error; by default it is the caller's.
    pub fn stderr(&mut self, file: impl Into<Stdio>) -> &mut Self {
        self.fd(2, file)
    }

    /// Sets the descriptor `number` of the program; by default it has only 0, 1 and 2.
    ///
    /// All descriptors are placed at once: the order of calls does not matter, and two can be
    /// exchanged. Each start opens the files in the caller, before any change of root.
    ///
    /// # Errors
    /// [`Step::Prepare`](crate::Step::Prepare): a file cannot be opened.
    pub fn fd(&mut self, number: RawFd, file: impl Into<Stdio>) -> &mut Self {
        if let Some(set) = usize::try_from(number).ok().and_then(|at| self.streams.set.get_mut(at))
        {
            *set = true;
        }
        self.streams.descriptors.place(number, file);
        self
    }

    /// Passes an open file of the caller to the program, with the same descriptor number.
    ///
    /// The builder keeps a duplicate, so `file` may be closed before the start.
    ///
    /// # Errors
    /// [`Step::Check`](crate::Step::Check): the file could not be duplicated, because
    /// `RLIMIT_NOFILE` is reached.
    ///
    /// # Examples
    /// ```
    /// use std::fs::File;
    /// use std::os::fd::AsRawFd;
    ///
    /// use ns_process::{Container, Stdio};
    ///
    /// let file = File::open("/proc/version").expect("open");
    /// let mut container = Container::new("cat");
    /// container.arg(format!("/proc/self/fd/{}", file.as_raw_fd())).stdout(Stdio::null());
    /// assert!(container.keep_fd(&file).status()?.success());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn keep_fd(&mut self, file: impl AsFd) -> &mut Self {
        let file = file.as_fd();
        match file.try_clone_to_owned() {
            Ok(copy) => self.fd(file.as_raw_fd(), Stdio::fd(copy)),
            Err(error) => {
                self.errors.push(format!("keep_fd: {}: {error}", file.as_raw_fd()));
                self
            }
        }
    }

    /// Opens the files that are given by path now, instead of at each start.
    ///
    /// A FIFO without a peer blocks, for at most `limit`. A signal handler may run meanwhile, but
    /// does not interrupt the wait.
    ///
    /// # Errors
    /// - [`Step::StartTimeout`](crate::Step::StartTimeout): the limit has expired.
    /// - [`Step::Prepare`](crate::Step::Prepare): a file cannot be opened.
    ///
    /// # References
    /// fifo(7), open(2).
    pub fn open_paths(&mut self, limit: Option<Duration>) -> Result<&mut Self, Error> {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let opened = self.streams.descriptors.open_paths(deadline);
        opened.map_err(|error| stream_error(&self.name, &error))?;
        Ok(self)
    }

    /// Sets whether all other descriptors are closed; by default they are.
    ///
    /// With `false`, the program inherits the caller's descriptors that are not close-on-exec. A
    /// closure always inherits all descriptors, because it may own some: see
    /// [`close_except`](Self::close_except).
    ///
    /// # References
    /// close_range(2).
    pub fn close_fds(&mut self, close: bool) -> &mut Self {
        self.streams.descriptors.close_rest(close);
        self.streams.closes = close;
        self
    }

    /// The descriptors that are set.
    pub fn get_descriptors(&self) -> &Descriptors {
        &self.streams.descriptors
    }
}

/// The descriptors that the child places and closes.
#[derive(Debug)]
pub(crate) struct Streams {
    pub(crate) descriptors: Descriptors,
    /// Whether stdin, stdout and stderr are set.
    set: [bool; 3],
    /// Whether the child shares the caller's descriptor table.
    shared: bool,
    /// Whether the streams become a new terminal.
    has_console: bool,
}

/// The child would place and close descriptors of the caller.
const SHARED: &str = "fd: CLONE_FILES shares the caller's own descriptors";

impl Streams {
    /// Checks the configuration; an error begins with the name of the setter. Opens no file.
    pub(crate) fn new(
        config: &StreamConfig,
        flags: CloneFlags,
        (is_closure, is_daemon): (bool, bool),
        has_console: bool,
    ) -> Result<Self, String> {
        config.descriptors.check().map_err(|error| error.to_string())?;
        let mut descriptors = config.descriptors.clone();
        if is_daemon && !has_console {
            for (number, _) in (0..).zip(config.set).filter(|(_, set)| !set) {
                descriptors.place(number, Stdio::null());
            }
        }
        if is_closure {
            restrict_for_closure(config, &mut descriptors)?;
        }
        let shared = flags.contains(CloneFlags::FILES);
        if shared {
            descriptors.close_rest(false);
            if !descriptors.leaves_all() {
                return Err(SHARED.to_owned());
            }
        }
        Ok(Self { descriptors, set: config.set, shared, has_console })
    }

    /// Whether the child would place descriptors of the caller.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared
    }

    /// Streams that are not set: stdin becomes `/dev/null`, stdout and stderr become pipes.
    pub(crate) fn capture(&mut self) -> Result<(), &'static str> {
        if self.shared {
            return Err(SHARED);
        }
        if self.has_console {
            return Err("output: the streams of the program are its console");
        }
        let defaults = [Stdio::null(), Stdio::piped(), Stdio::piped()];
        for ((number, file), _) in (0..).zip(defaults).zip(self.set).filter(|(_, set)| !set) {
            self.descriptors.place(number, file);
        }
        Ok(())
    }

    pub(crate) fn describe_opening(&self) -> Vec<String> {
        self.descriptors.describe_opening().lines().map(ToOwned::to_owned).collect()
    }

    /// The lines that place descriptors, and those that close the others.
    pub(crate) fn describe_placing(&self) -> (Vec<String>, Vec<String>) {
        let lines = self.descriptors.describe_placing();
        lines.lines().map(ToOwned::to_owned).partition(|line| !line.starts_with("close_range"))
    }
}

/// Applies the rules for a closure, which may own any descriptor of the caller.
fn restrict_for_closure(
    config: &StreamConfig,
    descriptors: &mut Descriptors,
) -> Result<(), String> {
    if config.closes {
        return Err("close_fds: a closure may own descriptors; see close_except".to_owned());
    }
    if let Some(number) = descriptors.placed_above(2) {
        return Err(format!("fd {number}: a closure may own it; move the file into the closure"));
    }
    descriptors.close_rest(config.close_except.is_some());
    for number in config.close_except.iter().flatten() {
        descriptors.keep(*number);
    }
    descriptors.check().map_err(|error| error.to_string())
}

/// The error if a file cannot be opened.
pub(crate) fn stream_error(name: &str, error: &FdError) -> Error {
    let failed = |step| Error::new(name, step).with_object(error.to_string());
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    match source.and_then(Errno::from_io_error) {
        Some(Errno::TIMEDOUT) => failed(Step::StartTimeout)
            .with_errno(Errno::TIMEDOUT)
            .with_hint(Some("no process has opened the other end of this FIFO")),
        Some(errno) => {
            failed(Step::Prepare).with_errno(errno).with_hint(hint::for_descriptors(errno))
        }
        None => failed(Step::Prepare),
    }
}
