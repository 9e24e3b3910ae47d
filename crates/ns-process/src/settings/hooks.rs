//! Hooks in the caller, which run while the child waits.

use std::error::Error as StdError;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::Errno;

use super::Builder;

/// The error of a hook.
pub(crate) type HookError = Box<dyn StdError + Send + Sync>;

type Hook = dyn Fn(&WaitingChild<'_>) -> Result<(), HookError> + Send + Sync;

/// The hooks, in the order in which they were added.
#[derive(Clone, Default)]
pub(crate) struct Hooks(pub(crate) Vec<Arc<Hook>>);

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hooks", self.0.len())
    }
}

/// A child in its new namespaces that waits until the hook of
/// [`before_go`](crate::Builder::before_go) or [`before_pivot`](crate::Builder::before_pivot) returns.
///
/// Its ID maps are written. Of the rest of its set-up, nothing is done before `before_go`, and the mounts
/// before `before_pivot`. It may run in the caller's memory: do not trace it. To give up the start, return an error from the hook; do not kill the child.
#[derive(Debug)]
pub struct WaitingChild<'a> {
    pid: u32,
    pidfd: BorrowedFd<'a>,
}

impl<'a> WaitingChild<'a> {
    pub(crate) fn new(pid: u32, pidfd: BorrowedFd<'a>) -> Self {
        Self { pid, pidfd }
    }

    /// The process ID in the caller's pid namespace.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The pidfd of the child.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd
    }
}

impl AsFd for WaitingChild<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd
    }
}

/// The errno of an error that is an `Errno` or an `io::Error`.
pub(crate) fn errno_of(error: &HookError) -> Option<Errno> {
    let errno = error.downcast_ref::<std::io::Error>().and_then(Errno::from_io_error);
    errno.or_else(|| error.downcast_ref::<Errno>().copied())
}

/// The value of a hook: nothing, or a `Result` whose error fails the start.
pub trait HookOutcome {
    /// Converts the value to a result.
    ///
    /// # Errors
    /// The error of the hook.
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

/// # Hooks in the caller
///
/// Code that runs in the caller while the child waits.
impl<Kind> Builder<Kind> {
    /// Runs `hook` in the caller at each start, while the child waits in its new namespaces with
    /// its ID maps written.
    ///
    /// Use it to move a network interface into the child's namespace, or the child into a cgroup of
    /// version 1. If the hooks moved the child, a new cgroup namespace is made again after them, so its root
    /// is the new cgroup. Several hooks run in the order in which they were added; by default there is none.
    ///
    /// If the hook returns an error, the child is killed and reaped, and the start fails as
    /// [`Step::BeforeGo`](crate::Step::BeforeGo) with that error. If it panics, the child is killed
    /// and reaped, and the panic continues in the caller. The hook may start other processes;
    /// memory is copied for one that needs a different value of the "dumpable" attribute. The start
    /// blocks until the hook returns.
    ///
    /// # Errors
    /// [`Step::BeforeGo`](crate::Step::BeforeGo), with the error of the hook.
    ///
    /// # Examples
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

    /// Runs `hook` in the caller at each start, while the child waits between its mounts and its change
    /// of root.
    ///
    /// All mounts of the builder are made. The working directory of the child is the new root, which is
    /// not read-only yet; `/` is still the old root. Use it to add mounts, by a program that an
    /// [`Inject`](crate::Inject) starts in the mount namespace of the child. That program finds the new
    /// root with its mounts at the path of the [`rootdir`](Self::rootdir). With
    /// [`follow_root`](crate::Inject::follow_root) the new root is also its working directory. A root that
    /// is a mount has no path, and covers `/` of a program without `follow_root`. A caller without
    /// privilege starts the program with [`Memory::Copied`](crate::Memory::Copied): otherwise it protects
    /// its memory, which the child shares, and may not join the child.
    ///
    /// Needs a new root, such as [`rootdir`](Self::rootdir); the root may also change by
    /// [`by_chroot`](Self::by_chroot). Errors, panics, several hooks and the time for which the start
    /// blocks are as for [`before_go`](Self::before_go), whose hooks have run before.
    ///
    /// # Errors
    /// [`Step::BeforePivot`](crate::Step::BeforePivot), with the error of the hook.
    ///
    /// # Examples
    /// ```
    /// use std::fs;
    ///
    /// use ns_process::{Container, Mount, Namespace};
    ///
    /// let mut container = Container::new("true");
    /// container.namespaces([Namespace::User, Namespace::Mnt]).map_zero();
    /// container.rootdir("/").mount(Mount::tmpfs("/tmp"));
    /// container.before_pivot(|child| {
    ///     let mounts = fs::read_to_string(format!("/proc/{}/mountinfo", child.pid()))?;
    ///     assert!(mounts.contains(" /tmp "));
    ///     Ok::<(), std::io::Error>(())
    /// });
    /// assert!(container.status()?.success());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # Kernel support
    /// Linux 5.2.
    ///
    /// # References
    /// pivot_root(2), mount_namespaces(7).
    pub fn before_pivot<Outcome: HookOutcome>(
        &mut self,
        hook: impl Fn(&WaitingChild<'_>) -> Outcome + Send + Sync + 'static,
    ) -> &mut Self {
        let hook = move |child: &WaitingChild<'_>| hook(child).into_result();
        self.pivot_hooks.0.push(Arc::new(hook));
        self
    }
}
