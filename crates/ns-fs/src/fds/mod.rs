//! The plan half of stdio and descriptors: opens what is asked for, and orders the moves.

mod descriptors;
mod error;
mod fifo;
mod moves;
mod open;
mod ranges;
mod stdio;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;

pub use descriptors::Descriptors;
pub use error::FdError;
pub use stdio::Stdio;

use crate::apply::{FdRange, FdStep};
use crate::describe::Description;
use open::{Opened, Source, Taken};

/// Which descriptors a process has after exec, as moves in an order in which none is lost.
///
/// The parent makes it, and keeps it until the child has begun: the plan owns the sources. Drop it
/// then, or the ends of pipes that are the child's stay open in the parent too, and no reader sees
/// an end.
///
/// # Examples
/// ```
/// use ns_fs::{Descriptors, FdPlan, Stdio};
///
/// let mut wish = Descriptors::new();
/// wish.stdin(Stdio::null()).keep(7);
/// let plan = FdPlan::new(&wish)?;
/// let calls: Vec<_> = plan.describe().lines().map(str::to_owned).collect();
/// assert!(calls[0].starts_with("dup3("));
/// assert_eq!(calls[1..], ["close_range(3, 6, 0)", "close_range(8, 4294967295, 0)"]);
/// # Ok::<(), ns_fs::FdError>(())
/// ```
pub struct FdPlan {
    steps: Vec<FdStep>,
    ranges: Vec<FdRange>,
    pipes: BTreeMap<RawFd, OwnedFd>,
    /// Keep the numbers in `steps` open.
    sources: BTreeMap<RawFd, Source>,
    taken: Taken,
}

impl FdPlan {
    /// Opens files and pipes, and orders the moves.
    ///
    /// Whatever is opened is close-on-exec, and at a number that the wish does not speak of, also where
    /// the caller has nothing at those.
    ///
    /// # Errors
    /// [`FdError`]; a mistake in the wish is told before anything is opened.
    pub fn new(wish: &Descriptors) -> Result<Self, FdError> {
        Self::new_locked(wish, || ()).map(|(plan, ())| plan)
    }

    /// As [`new`](Self::new), with pipes made while a lock is held that `lock` takes once all files are
    /// open: for who has to know of every pipe there is.
    ///
    /// # Errors
    /// As of [`new`](Self::new).
    pub fn new_locked<Lock>(
        wish: &Descriptors,
        lock: impl FnOnce() -> Lock,
    ) -> Result<(Self, Lock), FdError> {
        wish.check()?;
        let taken = Taken(wish.numbers());
        let (Opened { sources, pipes }, lock) = open::all(wish, &taken, lock)?;
        let numbers = sources.iter().map(|(number, source)| (*number, source.number())).collect();
        let plan = Self {
            steps: moves::order(&numbers),
            ranges: if wish.closes_rest() { taken.ranges_around(None) } else { Vec::new() },
            pipes,
            sources,
            taken,
        };
        Ok((plan, lock))
    }

    /// The caller's end of the pipe at `number`, once.
    pub fn take_pipe(&mut self, number: RawFd) -> Option<OwnedFd> {
        self.pipes.remove(&number)
    }

    /// The ends of each pipe, the caller's and the process's, by their numbers in the caller. Who forks
    /// meanwhile may want to close them: as long as a copy is open, no reader sees an end.
    pub fn pipe_ends(&self) -> impl Iterator<Item = (RawFd, RawFd)> {
        self.pipes.iter().filter_map(|(number, own)| {
            let theirs = self.sources.get(number)?.number();
            Some((own.as_raw_fd(), theirs))
        })
    }

    /// The files that the plan itself has opened for the process, the process's ends of pipes among them,
    /// by their numbers in the caller. A copy of the caller that does not execute a program has them
    /// still.
    pub fn opened(&self) -> impl Iterator<Item = RawFd> {
        let opened = self
            .sources
            .values()
            .filter(|source| matches!(source, Source::Opened(_) | Source::OpenedBefore(_)));
        opened.map(Source::number)
    }

    /// Gives `file` a number that is not below `lowest`, and that the plan does not overwrite: it can be used
    /// until all others are closed.
    ///
    /// # Errors
    /// `EMFILE`: `RLIMIT_NOFILE`.
    pub fn apart(&self, file: OwnedFd, lowest: RawFd) -> io::Result<OwnedFd> {
        self.taken.apart(file, lowest)
    }

    /// Whether the plan says something of a number: the process has the file there that was asked for, and no
    /// descriptor of the caller's own.
    pub fn names(&self, number: RawFd) -> bool {
        self.taken.has(number)
    }

    /// As [`ranges`](Self::ranges), but without a number, which stays open.
    pub fn ranges_around(&self, number: RawFd) -> Vec<FdRange> {
        let closes = !self.ranges.is_empty();
        if closes { self.taken.ranges_around(Some(number)) } else { Vec::new() }
    }

    /// Whether 0, 1 or 2 of the process will be a terminal.
    pub fn has_terminal(&self) -> bool {
        (0..=2).any(|number| match self.sources.get(&number) {
            Some(source) => source.is_terminal(),
            None => open::is_terminal(number),
        })
    }

    /// The moves, for [`apply::place_fds`](crate::apply::place_fds).
    pub fn steps(&self) -> &[FdStep] {
        &self.steps
    }

    /// What is closed, for [`apply::close_rest`](crate::apply::close_rest).
    pub fn ranges(&self) -> &[FdRange] {
        &self.ranges
    }

    /// Lists the system calls of the apply half in order; nothing is run.
    pub fn describe(&self) -> Description {
        let steps = self.steps.iter().map(ToString::to_string);
        Description::new(steps.chain(self.ranges.iter().map(ToString::to_string)))
    }
}

/// Its system calls in order.
impl fmt::Debug for FdPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FdPlan").field(&self.describe()).finish()
    }
}
