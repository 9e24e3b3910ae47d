//! Running a closure on a thread that joins namespaces.

use std::borrow::ToOwned;
use std::format;
use std::panic::resume_unwind;
use std::prelude::rust_2024::*;
use std::thread;

use ns_sys::{Errno, NamespaceFd, NamespaceFlags, UnshareFlags, unshare};

use super::NamespaceSet;
use crate::error::Error;
use crate::in_child::{ALL_AT_ONCE, Join, Report, enter};
use crate::settings::IntoNamespaces;
use crate::settings::Target;
use crate::step::Step;
use crate::target::OpenTarget;

/// The name in error messages, and of the threads.
const NAME: &str = "setns";

/// Kinds that a thread of a multithreaded process cannot join, or that only its children would be in.
const OF_PROCESSES: NamespaceFlags =
    NamespaceFlags::USER.union(NamespaceFlags::PID).union(NamespaceFlags::TIME);

/// Namespaces in which [`run`](Self::run) runs a closure.
#[derive(Debug)]
pub struct Setns(NamespaceSet);

/// Selects namespaces of a running process, in which [`Setns::run`] runs a closure on a thread.
///
/// The process is held by a pidfd from here on. Namespaces that the caller shares with it are skipped.
/// A thread cannot join a user, pid or time namespace: use [`setns_process`](crate::setns_process) for these.
///
/// ```
/// use ns_process::{Namespace, setns};
///
/// let host = setns(std::process::id(), [Namespace::Uts, Namespace::Net])?;
/// let name = host.run(|| std::fs::read_to_string("/proc/sys/kernel/hostname"))?;
/// assert!(!name.unwrap().is_empty());
/// # Ok::<(), ns_process::Error>(())
/// ```
///
/// # Errors
/// - [`Step::Check`](crate::Step::Check): no namespace is given, a thread cannot join a given one, or a name is
///   unknown.
/// - [`Step::TargetGone`](crate::Step::TargetGone): the process does not exist.
///
/// # Kernel support
/// Linux 5.8.
///
/// # References
/// setns(2), namespaces(7).
pub fn setns<Marker>(
    target: impl Into<Target>,
    kinds: impl IntoNamespaces<Marker>,
) -> Result<Setns, Error> {
    Setns::new(NamespaceSet::of_target(NAME, target.into(), kinds)?)
}

/// As [`setns`], for namespaces given by descriptors. They need not have processes.
///
/// ```
/// use ns_process::{Namespace, namespace_of, setns_fds};
///
/// let net = namespace_of(std::process::id(), Namespace::Net)?;
/// let routes = setns_fds([net])?.run(|| std::fs::read_to_string("/proc/thread-self/net/route"))?;
/// # Ok::<(), ns_process::Error>(())
/// ```
///
/// # Errors
/// As [`setns`]; also [`Step::Check`](crate::Step::Check): a kind is given twice.
///
/// # Kernel support
/// Linux 4.11.
///
/// # References
/// setns(2).
pub fn setns_fds(namespaces: impl IntoIterator<Item = NamespaceFd>) -> Result<Setns, Error> {
    Setns::new(NamespaceSet::of_fds(NAME, namespaces)?)
}

impl Setns {
    fn new(set: NamespaceSet) -> Result<Self, Error> {
        match (set.spec().join.kinds() & OF_PROCESSES).kinds().next() {
            Some(kind) => {
                Err(set
                    .invalid(format!("{kind}: a thread cannot join this kind; use setns_process")))
            }
            None => Ok(Self(set)),
        }
    }

    /// Runs `body` in the namespaces, and returns what it returns. Can be called any number of times.
    ///
    /// `body` runs on a new thread, which exits before this returns; the namespaces of the caller's threads do not
    /// change. The thread joins all of the namespaces or, on an error, does not run `body`. It has its own root
    /// directory, working directory and file mode mask; if it joins a mount namespace, both directories are `/`
    /// there. User IDs and capabilities stay the caller's. A panic of `body` is resumed in the caller. Blocks until
    /// `body` has returned.
    ///
    /// `body` has the caller's privilege and memory, but opens files of the joined mount namespace. With an
    /// untrusted target it must not look up users or host names, change the locale, or load a library: all of these
    /// read files of the target. [`Inject`](crate::Inject) runs a separate program instead.
    ///
    /// # Errors
    /// - [`Step::TargetGone`](crate::Step::TargetGone): the process has exited since.
    /// - [`Step::Join`](crate::Step::Join), `EPERM`: requires `CAP_SYS_ADMIN` over the namespaces and over
    ///   the caller's own user namespace, and `CAP_SYS_CHROOT` for a mount namespace.
    /// - [`Step::Prepare`](crate::Step::Prepare): the thread could not be created.
    ///
    /// # Examples
    /// A socket stays in the network namespace in which it was made:
    ///
    /// ```
    /// use std::net::TcpListener;
    ///
    /// use ns_process::setns;
    ///
    /// let network = setns(std::process::id(), "net")?;
    /// let listener = network.run(|| TcpListener::bind("127.0.0.1:0"))?;
    /// assert_ne!(listener.and_then(|listener| listener.local_addr()).expect("bind").port(), 0);
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// setns(2), unshare(2) `CLONE_FS`.
    pub fn run<T: Send>(&self, body: impl FnOnce() -> T + Send) -> Result<T, Error> {
        let spec = self.0.spec();
        let joined = OpenTarget::open(spec, spec.target()?)?;
        let join = joined.child();
        let done = on_a_thread(|| {
            enter_apart(join)?;
            Ok(body())
        });
        let done = done.map_err(|errno| {
            Error::new(NAME, Step::Prepare).with_errno(errno).with_object("a thread")
        })?;
        done.map_err(|report| joined.explained(spec, self.0.failed(report)))
    }
}

/// setns(2) refuses a mount namespace to a thread that shares its root and working directory.
fn enter_apart(config: Join<'_>) -> Result<(), Report> {
    unshare(UnshareFlags::FS).map_err(|errno| Report {
        step: Step::Join,
        errno,
        index: ALL_AT_ONCE,
    })?;
    enter(config)
}

/// Runs `body` on a new thread, joins the thread, and resumes a panic of `body`.
fn on_a_thread<T: Send>(body: impl FnOnce() -> T + Send) -> Result<T, Errno> {
    let thread = thread::Builder::new().name(NAME.to_owned());
    let done =
        thread::scope(|scope| thread.spawn_scoped(scope, body).map(thread::ScopedJoinHandle::join));
    let done = done.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::AGAIN))?;
    Ok(done.unwrap_or_else(|panic| resume_unwind(panic)))
}
