//! What the caller does between clone and go.

use std::error::Error as StdError;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::Errno;

use super::Builder;

/// What a hook's error is kept as.
pub(crate) type HookError = Box<dyn StdError + Send + Sync>;

type Hook = dyn Fn(&WaitingChild<'_>) -> Result<(), HookError> + Send + Sync;

/// The hooks, in the order in which they were given.
#[derive(Clone, Default)]
pub(crate) struct Hooks(pub(crate) Vec<Arc<Hook>>);

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hooks", self.0.len())
    }
}

/// A child in its new namespaces, which waits until the hook has returned.
///
/// Its maps are written; nothing else of its set-up is done. It may still share the caller's memory, so
/// that it must not be traced, nor killed but by an error of the hook.
#[derive(Debug)]
pub struct WaitingChild<'a> {
    pid: u32,
    pidfd: BorrowedFd<'a>,
}

impl<'a> WaitingChild<'a> {
    pub(crate) fn new(pid: u32, pidfd: BorrowedFd<'a>) -> Self {
        Self { pid, pidfd }
    }

    /// Its id in the caller's pid namespace.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its descriptor.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd
    }
}

impl AsFd for WaitingChild<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd
    }
}

/// The errno of an error that is one, or one of std's.
pub(crate) fn errno_of(error: &HookError) -> Option<Errno> {
    let errno = error.downcast_ref::<std::io::Error>().and_then(Errno::from_io_error);
    errno.or_else(|| error.downcast_ref::<Errno>().copied())
}

/// What a hook may return: nothing, or a `Result` whose error ends the start.
pub trait HookOutcome {
    /// The same as a result.
    ///
    /// # Errors
    /// The hook's own.
    fn into_result(self) -> Result<(), Box<dyn StdError + Send + Sync>>;
}

impl HookOutcome for () {
    fn into_result(self) -> Result<(), HookError> {
        Ok(())
    }
}

impl<E: Into<HookError>> HookOutcome for Result<(), E> {
    fn into_result(self) -> Result<(), HookError> {
        self.map_err(Into::into)
    }
}

impl<Kind> Builder<Kind> {
    /// Runs `hook` in the caller, at each start, between clone and go: the child is in its new
    /// namespaces, its maps hold, and it waits. The place to move a network interface into it, or to
    /// put it into a cgroup of version 1.
    ///
    /// Several run in the order given. The hook may start other processes, by copied memory where they need the
    /// "dumpable" attribute otherwise than this start. If it panics, the child is
    /// killed and reaped, and the panic goes on in the caller; an error does the same and is what the
    /// start returns, as [`Step::BeforeGo`](crate::Step::BeforeGo).
    ///
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// let mut container = Container::new("true");
    /// container.namespaces([Namespace::User, Namespace::Net]).map_zero();
    /// container.before_go(|child| {
    ///     let link = format!("/proc/{}/ns/net", child.pid());
    ///     assert_ne!(std::fs::read_link(link).ok(), std::fs::read_link("/proc/self/ns/net").ok());
    /// });
    /// assert!(container.start()?.join()?.success());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn before_go<Outcome: HookOutcome>(
        &mut self,
        hook: impl Fn(&WaitingChild<'_>) -> Outcome + Send + Sync + 'static,
    ) -> &mut Self {
        self.hooks.0.push(Arc::new(move |child: &WaitingChild<'_>| hook(child).into_result()));
        self
    }
}
