//! A closure in place of a program.

use std::fmt::{self, Debug};
use std::format;
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::sync::{Arc, Mutex, TryLockError};

use ns_sys::Namespace;

use super::{Builder, Chroot, Container, Inject, Target};

/// What a closure's value is as an exit code, or the text of its error.
type Outcome = Result<i32, String>;

/// What the child will run.
#[derive(Clone)]
pub(crate) struct Closure(pub(crate) Arc<Mutex<dyn FnMut() -> Outcome + Send>>);

impl Closure {
    fn new<Value: IntoExitCode>(mut closure: impl FnMut() -> Value + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(move || closure().into_exit_code())))
    }
}

impl Closure {
    /// Whether this process is the child that runs it.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.0.try_lock(), Err(TryLockError::WouldBlock))
    }
}

impl Debug for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closure")
    }
}

/// What a closure may return: nothing, an exit code, or a `Result` of these.
///
/// The kernel keeps the lowest eight bits of an exit code: 256 is 0, and −1 is 255. An error is
/// written to stderr, as that of a `main`, and its exit code is 1. A panic's is 101, or `SIGABRT` where
/// panics abort.
pub trait IntoExitCode {
    /// The code, or the error in words.
    ///
    /// # Errors
    /// Those of the closure.
    fn into_exit_code(self) -> Result<i32, String>;
}

impl IntoExitCode for () {
    fn into_exit_code(self) -> Outcome {
        Ok(0)
    }
}

impl IntoExitCode for u8 {
    fn into_exit_code(self) -> Outcome {
        Ok(self.into())
    }
}

impl IntoExitCode for i32 {
    fn into_exit_code(self) -> Outcome {
        Ok(self)
    }
}

impl<Value: IntoExitCode, E: Debug> IntoExitCode for Result<Value, E> {
    fn into_exit_code(self) -> Outcome {
        self.map_err(|error| format!("{error:?}")).and_then(IntoExitCode::into_exit_code)
    }
}

impl Container {
    /// A closure, in a copy of this program.
    ///
    /// It runs in a child with a copy of the caller's memory, as after fork(2), which costs time in
    /// proportion to that memory: a program is cheaper. Nothing that it changes is seen by the caller. Its
    /// value is the exit code: see [`IntoExitCode`]. When it returns or panics, stdout is flushed and
    /// the child ends; no destructor of the caller's runs in it, nor that of the closure.
    ///
    /// It begins with no signal blocked and without the caller's handlers; what the caller ignores
    /// stays ignored, `SIGPIPE` among it. It has every descriptor of the caller's, because it may own
    /// some, and what the caller has read of stdin but not used it will read again. With a new pid namespace,
    /// in one that is entered, in a cgroup or as a daemon it is made by another process, which costs a second copy
    /// and for which the caller sees a `SIGCHLD`.
    ///
    /// Of a caller with capabilities it is untraceable, because it has the caller's secrets: its files
    /// in proc belong to root, and under a map that does not hold root it can write no maps of its
    /// own children, unless it sets `PR_SET_DUMPABLE` itself.
    ///
    /// With musl its first thread goes, where another process makes it, by the number of that one: mutexes that
    /// know their owner, and C's files, may take another thread of the closure for it; raise(3) names another
    /// thread or none, and abort(3) ends it by another signal.
    ///
    /// [`start`](Builder::start) refuses it in a program with threads;
    /// [`start_unchecked`](Builder::start_unchecked) does not.
    ///
    /// ```standalone_crate
    /// use ns_process::Container;
    ///
    /// let process = Container::from_fn(|| 3).all().map_zero().start()?;
    /// assert_eq!(process.join()?.code(), Some(3));
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// fork(2), clone(2), signal-safety(7).
    pub fn from_fn<Value: IntoExitCode>(closure: impl FnMut() -> Value + Send + 'static) -> Self {
        Self::with_closure("container", Closure::new(closure))
    }
}

impl Chroot {
    /// A closure, in a copy of this program with another root: see [`Container::from_fn`].
    pub fn from_fn<Value: IntoExitCode>(
        root: impl Into<PathBuf>,
        closure: impl FnMut() -> Value + Send + 'static,
    ) -> Self {
        let mut chroot = Self::with_closure("chroot", Closure::new(closure));
        chroot.namespace(Namespace::User).namespace(Namespace::Mnt).rootdir(root);
        chroot
    }
}

impl Inject {
    /// A closure, in a copy of this program in there: see [`Container::from_fn`].
    ///
    /// For targets that are trusted. The closure has the caller's secrets in its memory, and what it
    /// loads once it is inside (a locale, a library, a name service) comes from the target. The
    /// kernel lets nobody inside trace it or open its `/proc/PID/exe` but those who have
    /// `CAP_SYS_PTRACE` over the caller as well: in a target without a user namespace of its own, its root,
    /// if it has that capability. Such a root could overwrite the caller's executable once nobody runs it any
    /// more. Enter it with a program, or from one that executed itself from a sealed memfd_create(2).
    pub fn from_fn<Value: IntoExitCode>(
        target: impl Into<Target>,
        closure: impl FnMut() -> Value + Send + 'static,
    ) -> Self {
        let mut inject = Self::with_closure("inject", Closure::new(closure));
        inject.join.target = Some(target.into());
        inject
    }
}

impl<Kind> Builder<Kind> {
    fn with_closure(kind: &str, closure: Closure) -> Self {
        let mut builder = Self::with_program(kind, std::ffi::OsString::new());
        builder.closure = Some(closure);
        builder
    }

    /// Whether a closure is started, and no program.
    pub fn is_closure(&self) -> bool {
        self.closure.is_some()
    }
}
