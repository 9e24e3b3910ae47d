//! Opened files, and the moves of their descriptors in order.

use std::fmt;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;

use rustix::stdio::{stderr, stdin, stdout};

use super::descriptors::Descriptors;
use super::error::FdError;
use super::moves;
use super::open::{Reserved, Source, Sources, open_all};
use super::placeholders::Placeholders;
use crate::Description;
use crate::apply::{FdRange, FdStep};

/// The descriptors of a process after exec, as moves in an order that overwrites no file still needed.
///
/// The parent makes the plan and keeps it until the child is started, because the plan owns the open
/// files. Then drop it: it holds the process's ends of pipes, and while these are open in the parent, no
/// reader sees end of file.
///
/// # Examples
/// ```
/// use ns_fs::{Descriptors, FdPlan, Stdio};
///
/// let mut descriptors = Descriptors::new();
/// descriptors.stdin(Stdio::null()).keep(7);
/// let plan = FdPlan::new(&descriptors)?;
/// let calls: Vec<_> = plan.describe().lines().map(str::to_owned).collect();
/// assert!(calls[0].starts_with("dup3("));
/// assert_eq!(calls[1..], ["close_range(3, 6, 0)", "close_range(8, UINT_MAX, 0)"]);
/// # Ok::<(), ns_fs::FdError>(())
/// ```
pub struct FdPlan {
    steps: Vec<FdStep>,
    ranges: Vec<FdRange>,
    /// Keeps the numbers in `steps` open.
    sources: Sources,
    reserved: Reserved,
    placeholders: Placeholders,
}

impl FdPlan {
    /// Opens files and pipes, and puts the moves in order.
    ///
    /// Each file is opened close-on-exec, at a number that the settings do not name, even if the caller
    /// has nothing open at the named numbers. Opening a file may block.
    ///
    /// Until it is dropped, the plan keeps a close-on-exec placeholder at each number above 2 that gets a
    /// file and is free in the caller. Without it, a file that the caller opens later could have that
    /// number, and the child would overwrite it: std's `Command` opens a pipe that reports a failed exec.
    /// If the caller itself has a file at such a number, it must stay open until the child has started.
    ///
    /// # Errors
    /// [`FdError`]; invalid settings are reported before anything is opened.
    pub fn new(descriptors: &Descriptors) -> Result<Self, FdError> {
        let (mut plan, ()) = Self::new_locked(descriptors, || ())?;
        plan.placeholders = Placeholders::new(&plan.targets(), &plan.reserved)?;
        Ok(plan)
    }

    /// As [`new`](Self::new), but takes a lock after all files are open and before pipes are made, and
    /// keeps no placeholders.
    ///
    /// For callers that must know every pipe of the process, and that move each descriptor which the
    /// child still needs with [`apart`](Self::apart). The lock is returned with the plan.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), except [`Limit`](FdError::Limit) and [`Reserve`](FdError::Reserve).
    pub fn new_locked<Lock>(
        descriptors: &Descriptors,
        lock: impl FnOnce() -> Lock,
    ) -> Result<(Self, Lock), FdError> {
        descriptors.check()?;
        let reserved = Reserved(descriptors.numbers());
        let (sources, lock) = open_all(descriptors, &reserved, lock)?;
        let steps = moves::order(sources.files.iter().map(|(to, source)| (*to, source.number())));
        let ranges = if descriptors.close_rest { reserved.ranges_around(None) } else { Vec::new() };
        let placeholders = Placeholders::default();
        Ok((Self { steps, ranges, sources, reserved, placeholders }, lock))
    }

    /// Returns the numbers above 2 to which a file moves.
    fn targets(&self) -> Vec<RawFd> {
        let files = self.sources.files.iter().filter(|(to, source)| **to != source.number());
        files.map(|(to, _)| *to).filter(|to| *to > 2).collect()
    }

    /// Takes the caller's end of the pipe at `number`; `None` if there is none, or it was taken.
    pub fn take_pipe(&mut self, number: RawFd) -> Option<OwnedFd> {
        self.sources.pipes.remove(&number)
    }

    /// Returns the two ends of each pipe, the caller's and the process's, as descriptor numbers in the
    /// caller.
    ///
    /// A process forked meanwhile may want to close them: while a copy is open, no reader sees end of
    /// file.
    pub fn pipe_ends(&self) -> impl Iterator<Item = (RawFd, RawFd)> {
        self.sources.pipes.iter().filter_map(|(number, own)| {
            let theirs = self.sources.files.get(number)?.number();
            Some((own.as_raw_fd(), theirs))
        })
    }

    /// Returns each number that gets a file, with the file.
    pub fn placed(&self) -> impl Iterator<Item = (RawFd, BorrowedFd<'_>)> {
        self.sources.files.iter().map(|(to, source)| (*to, source.as_fd()))
    }

    /// Returns the files that the plan has opened for the process, as descriptor numbers in the caller;
    /// the process's ends of pipes are among them.
    ///
    /// A forked copy of the caller that does not call exec still has them open.
    pub fn opened(&self) -> impl Iterator<Item = RawFd> {
        let opened = self
            .sources
            .files
            .values()
            .filter(|source| matches!(source, Source::Opened(_) | Source::OpenedBefore(_)));
        opened.map(Source::number)
    }

    /// Moves `file` to a descriptor number that is not below `lowest` and that the plan does not
    /// overwrite, so that it stays usable until the rest is closed.
    ///
    /// # Errors
    /// `EMFILE`: `RLIMIT_NOFILE` leaves no such number.
    pub fn apart(&self, file: OwnedFd, lowest: RawFd) -> io::Result<OwnedFd> {
        self.reserved.avoid(file, lowest)
    }

    /// Whether the settings name a descriptor number. Then the process has the requested file there, and
    /// no other descriptor of the caller.
    pub fn names(&self, number: RawFd) -> bool {
        self.reserved.contains(number)
    }

    /// As [`ranges`](Self::ranges), without `number`, which stays open.
    pub fn ranges_around(&self, number: RawFd) -> Vec<FdRange> {
        let closes = !self.ranges.is_empty();
        if closes { self.reserved.ranges_around(Some(number)) } else { Vec::new() }
    }

    /// Whether descriptor 0, 1 or 2 of the process will be a terminal.
    pub fn has_terminal(&self) -> bool {
        (0..=2).any(|number| match self.sources.files.get(&number) {
            Some(source) => source.is_terminal(),
            None => is_inherited_terminal(number),
        })
    }

    /// Returns the moves, for [`apply::place_fds`](crate::apply::place_fds).
    pub fn steps(&self) -> &[FdStep] {
        &self.steps
    }

    /// Returns the descriptor numbers to close, for [`apply::close_rest`](crate::apply::close_rest) and
    /// [`apply::close_rest_on_exec`](crate::apply::close_rest_on_exec).
    pub fn ranges(&self) -> &[FdRange] {
        &self.ranges
    }

    /// Lists the system calls of the child in order; none is made.
    pub fn describe(&self) -> Description {
        let steps = self.steps.iter().map(ToString::to_string);
        Description::new(steps.chain(self.ranges.iter().map(ToString::to_string)))
    }
}

/// Prints the system calls in order.
impl fmt::Debug for FdPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FdPlan").field(&self.describe()).finish()
    }
}

/// Whether one of the caller's standard streams is a terminal.
fn is_inherited_terminal(number: RawFd) -> bool {
    match number {
        0 => stdin().is_terminal(),
        1 => stdout().is_terminal(),
        _ => stderr().is_terminal(),
    }
}
