//! Namespaces that persist without a process: by a descriptor, or by a bound file.

use std::error::Error as StdError;
use std::format;
use std::io;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::string::ToString;
use std::sync::{Arc, Mutex, PoisonError};

use ns_fs::BindError;
use ns_idmap::{GidMap, UidMap};
use ns_sys::{Errno, Namespace, NamespaceFd};
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::error::Error;
use crate::hint;
use crate::setns::NamespaceSet;
use crate::settings::{Container, Target};
use crate::step::Step;

/// Opens a namespace of a running process. The namespace exists as long as the descriptor is open, with or without
/// processes.
///
/// For `Time` it is the namespace of the next child, `time_for_children` in `/proc/PID/ns`: a new process that waits in
/// [`before_go`](crate::Builder::before_go) joins its own by execve(2) only. Both are the same unless the process has
/// called unshare(2).
///
/// ```
/// use ns_process::{Namespace, namespace_of};
///
/// let uts = namespace_of(std::process::id(), Namespace::Uts)?;
/// assert_eq!(uts.kind(), Ok(Namespace::Uts));
/// # Ok::<(), ns_process::Error>(())
/// ```
///
/// # Errors
/// - [`Step::TargetGone`](crate::Step::TargetGone): the process does not exist.
/// - [`Step::Join`](crate::Step::Join): `EPERM` or `EACCES`, the caller may not inspect the process; `EOPNOTSUPP`, the
///   kernel does not have this kind of namespace.
///
/// # Kernel support
/// Linux 5.3.
///
/// # References
/// namespaces(7); fs/pidfs.c `pidfd_ioctl`.
pub fn namespace_of(target: impl Into<Target>, kind: Namespace) -> Result<NamespaceFd, Error> {
    let set = NamespaceSet::of_target("namespace_of", target.into(), [kind])?;
    let spec = set.spec();
    let pidfd = spec.pidfd()?;
    let namespace = spec.kept_of_target(&pidfd, kind);
    namespace.map_err(|errno| spec.inspect_error(&pidfd, kind, errno))
}

/// Makes a namespace without a program: it exists as long as the descriptor is open.
///
/// With maps, it belongs to a new user namespace with these maps; for `User` it is this namespace. Without maps, it
/// belongs to the caller's user namespace, which needs `CAP_SYS_ADMIN`; a user namespace then has no maps.
/// [`Builder::join_namespace`](crate::Builder::join_namespace) joins it, and
/// [`Tree::idmap`](crate::Tree::idmap) maps the owners of files through it.
///
/// ```
/// use ns_process::{GidMap, Namespace, UidMap, make_namespace};
///
/// let maps = (UidMap::current(), GidMap::current());
/// let user = make_namespace(Namespace::User, maps)?;
/// assert_eq!(user.kind(), Ok(Namespace::User));
/// # Ok::<(), ns_process::Error>(())
/// ```
///
/// # Errors
/// [`Step::Check`](crate::Step::Check): a pid namespace, which ends with its first process. Those of
/// [`Builder::start`](crate::Builder::start): a step up to [`Step::BeforeGo`](crate::Step::BeforeGo).
///
/// # Kernel support
/// Linux 5.3.
///
/// # References
/// namespaces(7), user_namespaces(7).
pub fn make_namespace(
    kind: Namespace,
    maps: impl Into<Option<(UidMap, GidMap)>>,
) -> Result<NamespaceFd, Error> {
    if kind == Namespace::Pid {
        let message = "a pid namespace ends with its first process";
        return Err(Error::new("make_namespace", Step::Check).with_object(message));
    }
    let made = Arc::new(Mutex::new(None));
    // The program is never executed: the hook aborts the start once the namespace is open.
    let mut container = Container::new("make_namespace");
    container.namespace(kind);
    if let Some((uids, gids)) = maps.into() {
        container.namespace(Namespace::User).uid_map(uids).gid_map(gids);
    }
    let namespace = Arc::clone(&made);
    container.before_go(move |child| -> Result<(), Box<dyn StdError + Send + Sync>> {
        let opened = namespace_of(child.pid(), kind)?;
        *namespace.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        Err("the namespace is made".into())
    });
    let started = container.start();
    // A child that has not exited yet keeps the hook, which shares `made`.
    let made = made.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (made, started) {
        (Some(namespace), _) => Ok(namespace),
        (None, Err(error)) => Err(error),
        (None, Ok(_)) => Err(Error::new("make_namespace", Step::BeforeGo)),
    }
}

/// Opens the namespace of a file: `/proc/PID/ns/…`, or a file that [`bind_namespace`] made.
///
/// # Errors
/// [`Step::Prepare`](crate::Step::Prepare): the file cannot be opened; `ENOTTY`, it is not a namespace.
///
/// # Kernel support
/// Linux 3.19.
///
/// # References
/// namespaces(7) "The /proc/pid/ns/ directory".
pub fn open_namespace(path: impl AsRef<Path>) -> Result<NamespaceFd, Error> {
    let path = path.as_ref();
    let opened = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    opened.and_then(NamespaceFd::new).map_err(|errno| {
        let none = (errno == Errno::NOTTY).then_some("it is not a namespace file");
        Error::new("open_namespace", Step::Prepare)
            .with_errno(errno)
            .with_object(path.display().to_string())
            .with_hint(none.or(hint::for_descriptors(errno)))
    })
}

/// Creates a file at `path` and binds the namespace to it. The namespace exists at least as long as that mount.
///
/// [`Builder::namespace_file`](crate::Builder::namespace_file) joins it, [`open_namespace`] opens it. The mount belongs
/// to the caller's mount namespace, and propagates like other mounts. Requires `CAP_SYS_ADMIN` over the mount namespace.
///
/// ```no_run
/// use ns_process::{Container, Namespace, bind_namespace, namespace_of, unbind_namespace};
///
/// let process = Container::new("sleep").arg("60").namespace(Namespace::Net).start()?;
/// bind_namespace(&namespace_of(&process, Namespace::Net)?, "/run/ns/build")?;
/// process.kill()?;
/// Container::new("ip").arg("link").namespace_file(Namespace::Net, "/run/ns/build").status()?;
/// unbind_namespace("/run/ns/build")?;
/// # Ok::<(), ns_process::Error>(())
/// ```
///
/// # Errors
/// [`Step::Bind`](crate::Step::Bind):
/// - `EEXIST`: `path` exists.
/// - `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace.
/// - `EINVAL`, `ELOOP`: a mount namespace that is not younger than the caller's: they could keep each other alive.
///   Since Linux 6.18, age is compared by IDs that each processor allocates in batches, so some younger ones are
///   refused too.
///
/// # Kernel support
/// Linux 5.2.
///
/// # References
/// namespaces(7) "Namespace lifetime"; fs/namespace.c `mnt_ns_loop`.
pub fn bind_namespace(namespace: &NamespaceFd, path: impl AsRef<Path>) -> Result<(), Error> {
    ns_fs::bind_file(namespace, path).map_err(|error| {
        let hint = bind_hint(&error, namespace.kind() == Ok(Namespace::Mnt));
        failed("bind_namespace", &error).with_hint(hint)
    })
}

/// The hint for a namespace that could not be bound.
fn bind_hint(error: &BindError, is_mount: bool) -> Option<String> {
    let hint = match (error, errno_of(error)?) {
        (BindError::Mount { .. }, Errno::INVAL | Errno::LOOP) if is_mount => {
            "a mount namespace can be bound only in one that is older than itself"
        }
        (BindError::Mount { .. }, Errno::PERM) => {
            "needs CAP_SYS_ADMIN over the caller's mount namespace: run as root"
        }
        (BindError::Make { .. }, Errno::EXIST) => {
            "the file exists: remove it; if a namespace is bound to it, run umount(8) first"
        }
        (BindError::Make { .. }, Errno::ACCESS) => "the caller may not create it",
        (BindError::Make { path, .. }, Errno::NOENT) => {
            let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty())?;
            return Some(format!("the directory {} does not exist", directory.display()));
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Unmounts the namespace that is bound at `path`, and removes the file. The namespace exists on while processes,
/// descriptors or other mounts hold it.
///
/// # Errors
/// [`Step::Bind`](crate::Step::Bind): `EINVAL`, nothing is bound there; `EBUSY`, it is in use, and
/// the file is left; `ENOENT`.
///
/// # Kernel support
/// Linux 2.6.34.
///
/// # References
/// umount2(2).
pub fn unbind_namespace(path: impl AsRef<Path>) -> Result<(), Error> {
    ns_fs::unbind_file(path).map_err(|error| {
        let none = errno_of(&error) == Some(Errno::INVAL);
        failed("unbind_namespace", &error).with_hint(none.then_some("nothing is bound there"))
    })
}

fn failed(name: &str, message: &BindError) -> Error {
    Error::new(name, Step::Bind).with_errno(errno_of(message)).with_object(message.to_string())
}

fn errno_of(message: &BindError) -> Option<Errno> {
    message.source()?.downcast_ref::<io::Error>().and_then(Errno::from_io_error)
}
