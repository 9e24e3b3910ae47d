//! Standard streams and other descriptors.

use std::error::Error as _;
use std::format;
use std::io;
use std::prelude::rust_2024::*;
use std::time::Instant;

use ns_fs::{Descriptors, FdError, FdPlan, Stdio};
use ns_sys::{CloneFlags, Errno};

use crate::builder::Streams as Wish;
use crate::error::Error;
use crate::hint;
use crate::step::Step;

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
    pub(super) fn new(
        config: &Wish,
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

    pub(super) fn describe_opening(&self) -> Vec<String> {
        self.descriptors.describe_opening().lines().map(ToOwned::to_owned).collect()
    }

    /// The moves, and what is closed.
    pub(super) fn describe_placing(&self) -> (Vec<String>, Vec<String>) {
        let lines = self.descriptors.describe_placing();
        lines.lines().map(ToOwned::to_owned).partition(|line| !line.starts_with("close_range"))
    }
}

/// A closure may own any descriptor of the caller's.
fn closure(config: &Wish, descriptors: &mut Descriptors) -> Result<(), String> {
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
