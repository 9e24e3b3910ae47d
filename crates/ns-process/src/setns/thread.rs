//! For namespaces that a thread can enter.

use std::borrow::ToOwned;
use std::format;
use std::panic::resume_unwind;
use std::prelude::rust_2024::*;
use std::thread;

use ns_sys::{Errno, NamespaceFd, NamespaceFlags, UnshareFlags, unshare};

use super::NamespaceSet;
use crate::error::Error;
use crate::in_child::{ALL_AT_ONCE, Join, Report, enter};
use crate::settings::NamespaceName;
use crate::settings::Target;
use crate::step::Step;
use crate::target::OpenTarget;

/// The name of the operation, and of its threads.
const NAME: &str = "setns";

/// What a thread of a program with several cannot enter, or only its children would be in.
const OF_PROCESSES: NamespaceFlags =
    NamespaceFlags::USER.union(NamespaceFlags::PID).union(NamespaceFlags::TIME);

/// Namespaces in which [`run`](Self::run) runs a closure.
#[derive(Debug)]
pub struct Setns(NamespaceSet);

/// Names namespaces of a running process, to run a closure in them: see [`Setns::run`].
///
/// The process is held from here on. Those that the caller is in already are left out by themselves.
/// A user, pid or time namespace cannot be entered by a thread: for those there is
/// [`setns_process`](crate::setns_process).
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
/// - [`Step::Check`](crate::Step::Check): none is named, one that a thread cannot enter, or a name that
///   is none.
/// - [`Step::TargetGone`](crate::Step::TargetGone): there is no such process.
///
/// # Kernel support
/// Linux 5.8.
///
/// # References
/// setns(2), namespaces(7).
pub fn setns<Kinds>(target: impl Into<Target>, kinds: Kinds) -> Result<Setns, Error>
where
    Kinds: IntoIterator<Item: NamespaceName>,
{
    Setns::new(NamespaceSet::of_target(NAME, target.into(), kinds)?)
}

/// As [`setns`], namespaces that are held by descriptors, with or without processes in them.
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
/// As [`setns`]; [`Step::Check`](crate::Step::Check) also when a kind is given twice.
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
        match (set.kinds() & OF_PROCESSES).kinds().next() {
            Some(kind) => Err(set
                .invalid(format!("{kind}: no thread can enter it, a process can: setns_process"))),
            None => Ok(Self(set)),
        }
    }

    /// Runs `body` in there, and hands back what it returns. Any number of times.
    ///
    /// On a thread of its own, which enters all of the namespaces or, on an error, does not run `body`,
    /// and which has ended when this returns: no thread of the caller's changes. It has a root, a working
    /// directory and a file mode mask of its own too; after a mount namespace is entered, both directories
    /// are `/` there. Ids and capabilities stay the caller's. If `body` panics, the panic goes on in the
    /// caller.
    ///
    /// `body` runs with the caller's privilege and memory, and whatever it opens by path in a mount
    /// namespace it enters is somebody else's: with an untrusted target it may not look up users or host
    /// names, change the locale, or load a library. [`Inject`](crate::Inject) keeps a program of the
    /// caller's apart.
    ///
    /// # Errors
    /// - [`Step::TargetGone`](crate::Step::TargetGone): the process has ended since.
    /// - [`Step::Join`](crate::Step::Join), `EPERM`: needs `CAP_SYS_ADMIN` over the namespaces and over
    ///   the caller's own user namespace, for a mount namespace `CAP_SYS_CHROOT` too.
    /// - [`Step::Prepare`](crate::Step::Prepare): no thread could be started.
    ///
    /// # References
    /// setns(2), unshare(2) `CLONE_FS`.
    pub fn run<T: Send>(&self, body: impl FnOnce() -> T + Send) -> Result<T, Error> {
        let joined = OpenTarget::open(self.0.spec(), self.0.spec().target()?)?;
        let files = joined.borrowed_files();
        let join = joined.child(&files);
        let done = on_a_thread(|| {
            enter_apart(join)?;
            Ok(body())
        });
        let done = done.map_err(|errno| {
            Error::new(NAME, Step::Prepare).with_errno(errno).with_object("a thread")
        })?;
        done.map_err(|report| joined.explained(self.0.spec(), self.0.failed(report)))
    }
}

/// With a root and directory of its own first: a mount namespace is entered by nobody who shares them.
fn enter_apart(config: Join<'_>) -> Result<(), Report> {
    unshare(UnshareFlags::FS).map_err(|errno| Report {
        step: Step::Join,
        errno,
        index: ALL_AT_ONCE,
    })?;
    enter(config)
}

/// Runs `body` on a thread, waits for the end of both, and goes on with its panic.
fn on_a_thread<T: Send>(body: impl FnOnce() -> T + Send) -> Result<T, Errno> {
    let thread = thread::Builder::new().name(NAME.to_owned());
    let done =
        thread::scope(|scope| thread.spawn_scoped(scope, body).map(thread::ScopedJoinHandle::join));
    let done = done.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::AGAIN))?;
    Ok(done.unwrap_or_else(|panic| resume_unwind(panic)))
}
