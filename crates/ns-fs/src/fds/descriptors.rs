//! The settings: the file at each descriptor number.

use std::format;
use std::os::fd::RawFd;
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::time::Instant;

use super::error::FdError;
use super::open::{Reserved, open_path};
use super::stdio::{Kind, Stdio};
use crate::Description;
use crate::apply::FdRange;

/// The descriptors of a process: by default the caller's 0 to 2, and no others.
///
/// The last setting of a descriptor number applies; the order of numbers does not matter.
#[derive(Clone, Debug)]
pub struct Descriptors {
    /// Sorted by descriptor number. If 0, 1 or 2 is missing, it is inherited.
    placed: Vec<(RawFd, Stdio)>,
    pub(super) close_rest: bool,
}

impl Descriptors {
    /// Inherits 0 to 2 and closes all other descriptors.
    pub fn new() -> Self {
        Self { placed: Vec::new(), close_rest: true }
    }

    /// Sets descriptor 0.
    pub fn stdin(&mut self, file: impl Into<Stdio>) -> &mut Self {
        self.place(0, file)
    }

    /// Sets descriptor 1.
    pub fn stdout(&mut self, file: impl Into<Stdio>) -> &mut Self {
        self.place(1, file)
    }

    /// Sets descriptor 2.
    pub fn stderr(&mut self, file: impl Into<Stdio>) -> &mut Self {
        self.place(2, file)
    }

    /// Sets any descriptor.
    ///
    /// # Examples
    /// ```
    /// use std::fs::File;
    ///
    /// use ns_fs::{Descriptors, Stdio};
    ///
    /// let mut descriptors = Descriptors::new();
    /// descriptors.place(3, File::open("/dev/zero")?).place(4, Stdio::path("/dev/null"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn place(&mut self, number: RawFd, file: impl Into<Stdio>) -> &mut Self {
        let file = file.into();
        match self.placed.binary_search_by_key(&number, |(at, _)| *at) {
            Ok(index) => self.placed[index].1 = file,
            Err(index) => self.placed.insert(index, (number, file)),
        }
        self
    }

    /// Inherits a descriptor, with its close-on-exec flag.
    pub fn keep(&mut self, number: RawFd) -> &mut Self {
        self.place(number, Stdio::inherit())
    }

    /// Sets whether all other descriptors are closed, as by default, or stay as they are in the caller.
    pub fn close_rest(&mut self, close: bool) -> &mut Self {
        self.close_rest = close;
        self
    }

    /// Checks the settings, without a system call.
    ///
    /// # Errors
    /// [`Number`](FdError::Number), [`Direction`](FdError::Direction), [`Nul`](FdError::Nul) and
    /// [`Empty`](FdError::Empty).
    pub fn check(&self) -> Result<(), FdError> {
        self.placed.iter().try_for_each(|(number, file)| match number {
            ..0 => Err(FdError::Number { number: *number }),
            _ => file.check(*number),
        })
    }

    /// Whether the process inherits every descriptor of the caller: nothing is placed and nothing closed.
    pub fn leaves_all(&self) -> bool {
        !self.close_rest && self.files().all(Stdio::is_inherit)
    }

    /// Whether any descriptor is a pipe.
    pub fn has_pipes(&self) -> bool {
        self.files().any(Stdio::is_piped)
    }

    /// Whether any file is still to be opened by its path. Opening may block, as with a FIFO.
    pub fn opens_paths(&self) -> bool {
        self.files().any(|file| file.as_path().is_some())
    }

    /// Opens all files given by path now, and keeps them open.
    ///
    /// Opening a FIFO blocks until it has a peer. With a deadline, this wait ends with `ETIMEDOUT`, without
    /// a signal to the caller. The wait for a file system that does not answer has no limit.
    ///
    /// # Errors
    /// Those of [`check`](Self::check), and [`FdError::Open`]; files that are already open stay open.
    ///
    /// # Examples
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// use ns_fs::{Descriptors, Stdio};
    ///
    /// let mut descriptors = Descriptors::new();
    /// descriptors.stdin(Stdio::path("/dev/zero"));
    /// descriptors.open_paths(Some(Instant::now() + Duration::from_secs(1)))?;
    /// assert!(!descriptors.opens_paths());
    /// # Ok::<(), ns_fs::FdError>(())
    /// ```
    ///
    /// # References
    /// fifo(7), open(2), tee(2).
    pub fn open_paths(&mut self, deadline: Option<Instant>) -> Result<(), FdError> {
        self.check()?;
        if !self.opens_paths() {
            return Ok(());
        }
        let reserved = Reserved(self.numbers());
        for (number, file) in &mut self.placed {
            if let Some(path_file) = file.as_path() {
                let opened = open_path(*number, path_file, deadline, &reserved)?;
                *file = Stdio(Kind::Opened(Arc::new(opened)));
            }
        }
        Ok(())
    }

    /// Returns the lowest descriptor number above `number` that is not inherited.
    pub fn placed_above(&self, number: RawFd) -> Option<RawFd> {
        let mut placed = self.placed().filter(|(at, file)| *at > number && !file.is_inherit());
        placed.next().map(|(at, _)| at)
    }

    /// Whether the process gets a file at `number`, or inherits the caller's; always for 0 to 2.
    pub fn names(&self, number: RawFd) -> bool {
        (0..=2).contains(&number) || self.placed().any(|(at, _)| at == number)
    }

    /// Lists the system calls that open files and pipes; none is made.
    pub fn describe_opening(&self) -> Description {
        Description::new(self.placed().filter_map(|(number, file)| file.describe_opening(number)))
    }

    /// Lists the moves and closed ranges, before files are open: a file without a number yet is listed by
    /// its path or kind.
    pub fn describe_placing(&self) -> Description {
        let moved = self.placed().filter(|(_, file)| !file.is_inherit());
        let moves = moved.map(|(number, file)| format!("dup3({}, {number}, 0)", file.name()));
        let closed = if self.close_rest { FdRange::around(self.numbers()) } else { Vec::new() };
        Description::new(moves.chain(closed.iter().map(ToString::to_string)))
    }

    fn files(&self) -> impl Iterator<Item = &Stdio> {
        self.placed.iter().map(|(_, file)| file)
    }

    pub(super) fn placed(&self) -> impl Iterator<Item = (RawFd, &Stdio)> {
        self.placed.iter().map(|(number, file)| (*number, file))
    }

    /// Returns 0 to 2 and all other descriptor numbers in the settings, in ascending order, without negative
    /// ones.
    pub(super) fn numbers(&self) -> Vec<u32> {
        let placed = self.placed().filter_map(|(number, _)| u32::try_from(number).ok());
        (0..=2).chain(placed.filter(|number| *number > 2)).collect()
    }
}

impl Default for Descriptors {
    fn default() -> Self {
        Self::new()
    }
}
