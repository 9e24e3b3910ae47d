//! Standard streams and other descriptors.

use std::error::Error as _;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::prelude::rust_2024::*;
use std::time::{Duration, Instant};
use std::{format, io};

use ns_fs::{Descriptors, FdError, FdPlan, Stdio};
use ns_sys::{CloneFlags, Errno};

use super::Builder;
use crate::error::Error;
use crate::hint;
use crate::step::Step;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamConfig {
    pub(crate) descriptors: Descriptors,
    /// Which of 0 to 2 were set.
    pub(crate) set: [bool; 3],
    /// Whether closing the others was asked for.
    pub(crate) closes: bool,
    /// What a closure keeps of the others.
    pub(crate) close_except: Option<Vec<RawFd>>,
}

impl<Kind> Builder<Kind> {
    /// What the program reads; by default the caller's stdin.
    pub fn stdin(&mut self, file: Stdio) -> &mut Self {
        self.fd(0, file)
    }

    /// Where the program writes; by default the caller's stdout.
    ///
    /// # Examples
    /// ```
    /// use std::io::Read;
    ///
    /// use ns_process::{Container, Stdio};
    ///
    /// let mut process = Container::new("echo").arg("told").stdout(Stdio::piped()).start()?;
    /// let mut text = String::new();
    /// process.take_stdout().expect("it is piped").read_to_string(&mut text).expect("a pipe");
    /// assert_eq!(text, "told\n");
    /// process.join()?;
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn stdout(&mut self, file: Stdio) -> &mut Self {
        self.fd(1, file)
    }

    /// Where the program complains; by default the caller's stderr.
    pub fn stderr(&mut self, file: Stdio) -> &mut Self {
        self.fd(2, file)
    }

    /// What the program has at any number. All are placed at once: the order does not matter, and two
    /// may be exchanged.
    ///
    /// Files are opened by each start, in the caller, before any change of root.
    ///
    /// # Errors
    /// [`Step::Prepare`](crate::Step::Prepare): a file cannot be opened.
    pub fn fd(&mut self, number: RawFd, file: Stdio) -> &mut Self {
        if let Some(set) = usize::try_from(number).ok().and_then(|at| self.streams.set.get_mut(at))
        {
            *set = true;
        }
        self.streams.descriptors.place(number, file);
        self
    }

    /// Gives the program an open file of the caller's, at the number that it has there.
    ///
    /// The builder keeps a duplicate, so that `file` may be closed before the start.
    ///
    /// # Errors
    /// [`Step::Check`](crate::Step::Check): it could not be duplicated, because `RLIMIT_NOFILE` is reached.
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

    /// Opens the files that were given by their paths now, in place of at each start.
    ///
    /// A FIFO without a peer makes its opener wait, for as long as `limit` at most. A handler of a signal runs
    /// meanwhile, and does not end the wait.
    ///
    /// # Errors
    /// - [`Step::StartTimeout`](crate::Step::StartTimeout): the limit is over.
    /// - [`Step::Prepare`](crate::Step::Prepare): a file cannot be opened.
    ///
    /// # References
    /// fifo(7), open(2).
    pub fn open_paths(&mut self, limit: Option<Duration>) -> Result<&mut Self, Error> {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let opened = self.streams.descriptors.open_paths(deadline);
        opened.map_err(|error| refused_stream(&self.name, &error))?;
        Ok(self)
    }

    /// Whether all other descriptors are closed, which they are by default; otherwise the program has
    /// those that are not close-on-exec. A closure has them all, and may own some: see
    /// [`close_except`](Self::close_except).
    ///
    /// # References
    /// close_range(2).
    pub fn close_fds(&mut self, close: bool) -> &mut Self {
        self.streams.descriptors.close_rest(close);
        self.streams.closes = close;
        self
    }

    /// What was said of descriptors.
    pub fn get_descriptors(&self) -> &Descriptors {
        &self.streams.descriptors
    }
}

/// What the child will find open.
#[derive(Debug)]
pub(crate) struct Streams {
    descriptors: Descriptors,
    /// Which of 0 to 2 were set.
    set: [bool; 3],
    /// Whether the table is the caller's own.
    shared: bool,
}

/// Whatever the child placed or closed would be the caller's.
const SHARED: &str = "fd: CLONE_FILES shares the caller's own descriptors";

impl Streams {
    /// Looks at the wish, and says in words what is wrong with it, by the name of its setter. Opens
    /// nothing.
    pub(crate) fn new(
        config: &StreamConfig,
        flags: CloneFlags,
        (is_closure, is_daemon): (bool, bool),
    ) -> Result<Self, String> {
        config.descriptors.check().map_err(|error| error.to_string())?;
        let mut descriptors = config.descriptors.clone();
        if is_daemon {
            for (number, _) in (0..).zip(config.set).filter(|(_, set)| !set) {
                descriptors.place(number, Stdio::null());
            }
        }
        if is_closure {
            closure(config, &mut descriptors)?;
        }
        let shared = flags.contains(CloneFlags::FILES);
        if shared {
            descriptors.close_rest(false);
            if !descriptors.leaves_all() {
                return Err(SHARED.to_owned());
            }
        }
        Ok(Self { descriptors, set: config.set, shared })
    }

    /// What was not set is a pipe for what the program writes, and nothing for it to read.
    pub(crate) fn capture(&mut self) -> Result<(), &'static str> {
        if self.shared {
            return Err(SHARED);
        }
        let defaults = [Stdio::null(), Stdio::piped(), Stdio::piped()];
        for ((number, file), _) in (0..).zip(defaults).zip(self.set).filter(|(_, set)| !set) {
            self.descriptors.place(number, file);
        }
        Ok(())
    }

    /// Whether pipes will be made.
    pub(crate) fn has_pipes(&self) -> bool {
        self.descriptors.has_pipes()
    }

    /// Opens what has a path, which waits at a FIFO without a peer, until the deadline.
    pub(crate) fn open_paths(
        &mut self,
        name: &str,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        self.descriptors.open_paths(deadline).map_err(|error| refused_stream(name, &error))
    }

    /// Opens what is to be opened, pipes under a lock.
    pub(crate) fn open<Lock>(
        &self,
        name: &str,
        lock: impl FnOnce() -> Lock,
    ) -> Result<(FdPlan, Lock), Error> {
        FdPlan::new_locked(&self.descriptors, lock).map_err(|error| refused_stream(name, &error))
    }

    pub(crate) fn describe_opening(&self) -> Vec<String> {
        self.descriptors.describe_opening().lines().map(ToOwned::to_owned).collect()
    }

    /// The moves, and what is closed.
    pub(crate) fn describe_placing(&self) -> (Vec<String>, Vec<String>) {
        let lines = self.descriptors.describe_placing();
        lines.lines().map(ToOwned::to_owned).partition(|line| !line.starts_with("close_range"))
    }
}

/// A closure may own any descriptor of the caller's.
fn closure(config: &StreamConfig, descriptors: &mut Descriptors) -> Result<(), String> {
    if config.closes {
        return Err("close_fds: a closure may own descriptors: see close_except".to_owned());
    }
    if let Some(number) = descriptors.placed_above(2) {
        return Err(format!("fd {number}: a closure may own it: move the file into the closure"));
    }
    descriptors.close_rest(config.close_except.is_some());
    for number in config.close_except.iter().flatten() {
        descriptors.keep(*number);
    }
    descriptors.check().map_err(|error| error.to_string())
}

pub(crate) fn refused_stream(name: &str, message: &FdError) -> Error {
    let error = Error::new(name, Step::Prepare).with_object(message.to_string());
    let source = message.source().and_then(|source| source.downcast_ref::<io::Error>());
    match source.and_then(Errno::from_io_error) {
        Some(Errno::TIMEDOUT) => Error::new(name, Step::StartTimeout)
            .with_object(message.to_string())
            .with_errno(Errno::TIMEDOUT)
            .with_hint(Some("nothing has opened the other end of this FIFO")),
        Some(errno) => error.with_errno(errno).with_hint(hint::for_descriptors(errno)),
        None => error,
    }
}
