//! A closure instead of a program.

use std::fmt::{self, Debug};
use std::format;
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::sync::{Arc, Mutex, TryLockError};

use ns_sys::Namespace;

use super::{Builder, Chroot, Container, Inject, Target};

/// The exit code of a closure, or the text of its error.
type Outcome = Result<i32, String>;

/// The closure that the child runs.
#[derive(Clone)]
pub(crate) struct Closure(pub(crate) Arc<Mutex<dyn FnMut() -> Outcome + Send>>);

impl Closure {
    fn new<Value: IntoExitCode>(mut closure: impl FnMut() -> Value + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(move || closure().into_exit_code())))
    }

    /// Whether this process is the child that runs the closure.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.0.try_lock(), Err(TryLockError::WouldBlock))
    }
}

impl Debug for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closure")
    }
}

/// The value of a closure: nothing, an exit code, or a `Result` of these.
///
/// The kernel keeps the lowest eight bits of an exit code: 256 becomes 0, and −1 becomes 255. An
/// error is printed to stderr, as for `main`, and the exit code is 1. After a panic the exit code
/// is 101, or the child is killed by `SIGABRT` if panics abort.
pub trait IntoExitCode {
    /// Converts the value to an exit code.
    ///
    /// # Errors
    /// The text of the closure's error.
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
    /// Creates a builder that starts a closure, in a copy of the calling process.
    ///
    /// The value of the closure is the exit code; see [`IntoExitCode`]. The caller does not see
    /// changes that the closure makes to memory. When the closure returns or panics, stdout is
    /// flushed and the child exits. Neither the caller's values nor the closure are dropped in the
    /// child.
    ///
    /// The closure begins with no signal blocked and with no signal handler of the caller. Signals
    /// that the caller ignores stay ignored, including `SIGPIPE`. The child inherits every
    /// descriptor of the caller, because the closure may own some. Both processes read the input
    /// that is buffered in the caller's stdin.
    ///
    /// If the caller has capabilities, the child is not dumpable, because its memory has the
    /// caller's secrets: its files in `/proc` belong to root. If the uid map does not contain root,
    /// the child cannot write the ID maps of its own children until it sets `PR_SET_DUMPABLE`.
    ///
    /// An intermediate process makes the child in a new or joined pid namespace, in a cgroup, and
    /// for a daemon. The caller then receives a `SIGCHLD` of that process. With musl, libc takes
    /// the thread ID of the intermediate process for that of the first thread of such a child:
    /// mutexes that record their owner and C streams may confuse it with another thread of the
    /// closure, raise(3) signals another thread or none, and abort(3) terminates the child by
    /// another signal.
    ///
    /// [`start`](Builder::start) fails if the caller has several threads;
    /// [`start_unchecked`](Builder::start_unchecked) does not. Each start copies the caller's
    /// memory, as fork(2) does, and twice through an intermediate process: a program is cheaper.
    ///
    /// # Examples
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
    /// Creates a builder that starts a closure with another root; see [`Container::from_fn`].
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
    /// Creates a builder that starts a closure in the namespaces of `target`; see
    /// [`Container::from_fn`].
    ///
    /// Use it only with a trusted target. The closure has the caller's secrets in its memory, and
    /// what it loads after joining (a locale, a library, a name service) comes from the target. A
    /// process inside can trace the closure or open its `/proc/PID/exe` only with `CAP_SYS_PTRACE`
    /// over the caller too. If the target has no user namespace of its own, its root may have that
    /// capability, and could overwrite the caller's executable once no process executes that file.
    /// For an untrusted target start a program, or call this from a program that has executed
    /// itself from a sealed memfd_create(2).
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
}
