//! The wish: which number is to be which file.

use std::format;
use std::os::fd::RawFd;
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::time::Instant;

use super::error::FdError;
use super::open;
use super::stdio::{Kind, Stdio};
use crate::apply::FdRange;
use crate::describe::Description;

/// Which descriptors a process is to have: 0 to 2 as the caller's, no others, unless told otherwise.
///
/// What is said last about a number holds; the order of numbers does not matter.
#[derive(Clone, Debug)]
pub struct Descriptors {
    /// In ascending order of the numbers.
    placed: Vec<(RawFd, Stdio)>,
    close_rest: bool,
}

impl Descriptors {
    /// The caller's 0 to 2 and nothing else.
    pub fn new() -> Self {
        let placed = (0..=2).map(|number| (number, Stdio::inherit())).collect();
        Self { placed, close_rest: true }
    }

    /// What number 0 is.
    pub fn stdin(&mut self, file: Stdio) -> &mut Self {
        self.place(0, file)
    }

    /// What number 1 is.
    pub fn stdout(&mut self, file: Stdio) -> &mut Self {
        self.place(1, file)
    }

    /// What number 2 is.
    pub fn stderr(&mut self, file: Stdio) -> &mut Self {
        self.place(2, file)
    }

    /// What any number is. Pipes and paths are for 0 to 2, which have a direction.
    pub fn place(&mut self, number: RawFd, file: Stdio) -> &mut Self {
        match self.placed.binary_search_by_key(&number, |(at, _)| *at) {
            Ok(index) => self.placed[index].1 = file,
            Err(index) => self.placed.insert(index, (number, file)),
        }
        self
    }

    /// Leaves a number as the caller has it, its close-on-exec flag too.
    pub fn keep(&mut self, number: RawFd) -> &mut Self {
        self.place(number, Stdio::inherit())
    }

    /// Whether all other descriptors are closed; otherwise they are left as the caller has them.
    pub fn close_rest(&mut self, close: bool) -> &mut Self {
        self.close_rest = close;
        self
    }

    /// Finds mistakes; makes no system call.
    ///
    /// # Errors
    /// [`FdError`], of those that are about the wish alone.
    pub fn check(&self) -> Result<(), FdError> {
        self.placed.iter().try_for_each(|(number, file)| match number {
            ..0 => Err(FdError::Number { number: *number }),
            _ => file.check(*number),
        })
    }

    /// Whether the process will have what the caller has: nothing is placed, and nothing closed.
    pub fn leaves_all(&self) -> bool {
        !self.close_rest && self.files().all(Stdio::is_inherit)
    }

    /// Whether a number is to be a pipe.
    pub fn has_pipes(&self) -> bool {
        self.files().any(Stdio::is_piped)
    }

    /// Whether a file is to be opened by its path, which may do something: that of a FIFO waits.
    pub fn opens_paths(&self) -> bool {
        self.files().any(Stdio::is_path)
    }

    /// Opens what is given by its path now, and keeps it open in its place.
    ///
    /// A FIFO without a peer makes its opener wait. With a deadline, that wait ends there with `ETIMEDOUT`, and
    /// the caller need not be interrupted. A file system that does not answer is waited for without a limit.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// use ns_fs::{Descriptors, Stdio};
    ///
    /// let mut wish = Descriptors::new();
    /// wish.stdin(Stdio::path("/dev/zero"));
    /// wish.open_paths(Some(Instant::now() + Duration::from_secs(1)))?;
    /// assert!(!wish.opens_paths());
    /// # Ok::<(), ns_fs::FdError>(())
    /// ```
    ///
    /// # Errors
    /// As of [`check`](Self::check); [`FdError::Open`], and what was opened before stays open.
    ///
    /// # References
    /// fifo(7), open(2), tee(2).
    pub fn open_paths(&mut self, deadline: Option<Instant>) -> Result<(), FdError> {
        self.check()?;
        if !self.opens_paths() {
            return Ok(());
        }
        let taken = open::Taken(self.numbers());
        for (number, file) in &mut self.placed {
            if let Some(path) = file.as_path() {
                let file_at = open::path(*number, path, deadline, &taken)?;
                *file = Stdio(Kind::Opened(Arc::new(file_at)));
            }
        }
        Ok(())
    }

    /// The lowest number above `number` that is to be another file than the caller has there.
    pub fn placed_above(&self, number: RawFd) -> Option<RawFd> {
        let mut placed = self.placed().filter(|(at, file)| *at > number && !file.is_inherit());
        placed.next().map(|(at, _)| at)
    }

    /// Lists what [`FdPlan::new`](crate::FdPlan::new) will open, and nothing is opened.
    pub fn describe_opening(&self) -> Description {
        Description::new(self.placed().filter_map(|(number, file)| file.describe_opening(number)))
    }

    /// Lists the moves and what is closed, where it is not known yet at which numbers files will be.
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

    pub(super) fn closes_rest(&self) -> bool {
        self.close_rest
    }

    /// Every number that was spoken of, in ascending order; none is negative once checked.
    pub(super) fn numbers(&self) -> Vec<u32> {
        self.placed().filter_map(|(number, _)| u32::try_from(number).ok()).collect()
    }
}

impl Default for Descriptors {
    fn default() -> Self {
        Self::new()
    }
}
