//! Standard streams and other descriptors.

use std::format;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::prelude::rust_2024::*;
use std::time::{Duration, Instant};

use ns_fs::{Descriptors, Stdio};

use super::Builder;
use crate::error::Error;
use crate::plan;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams {
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
        opened.map_err(|error| plan::refused_stream(&self.name, &error))?;
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
