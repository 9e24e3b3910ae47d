//! The namespaces of the machine that are visible to the caller.

mod index;
mod info;
mod process;

use std::path::Path;
use std::prelude::rust_2024::*;

use rustix::fs::{CWD, Dir, Mode, OFlags, openat};

pub use info::{Member, NamespaceFile, NamespaceInfo, Namespaces};

use crate::error::Error;
use crate::proc_dir::ProcDir;
use crate::step::Step;
use index::NamespaceIndex;

/// Lists the namespaces of the machine, each with its members, owner and parent.
///
/// Finds the namespaces of all processes that `/proc` shows, those that are bound to a file in a mount namespace with
/// members, and their owners and parents. Does not find namespaces that only a descriptor, or a thread other than the
/// main thread, holds. A process that exits meanwhile is skipped.
///
/// ```
/// use ns_process::{Namespace, namespaces};
///
/// let found = namespaces()?;
/// let own = found.iter().find(|namespace| {
///     namespace.kind == Namespace::Uts && namespace.members.contains(&std::process::id())
/// });
/// assert!(own.is_some_and(|own| own.to_string().starts_with("uts:[")));
/// for namespace in found {
///     println!("{namespace} has {} members", namespace.members.len());
/// }
/// # Ok::<(), ns_process::Error>(())
/// ```
///
/// # Errors
/// [`Step::List`](crate::Step::List): `/proc` cannot be read. Other errors are in the fields that they concern.
///
/// # Kernel support
/// Linux 4.11.
///
/// # References
/// namespaces(7), ioctl_nsfs(2), lsns(8).
pub fn namespaces() -> Result<Namespaces, Error> {
    let mut index = NamespaceIndex::default();
    let mut unreadable = Vec::new();
    for pid in pids()? {
        // A process that exits meanwhile has no such directory, or an empty one, also if its ID is reused.
        let Ok(process) = ProcDir::open(Path::new("/proc"), pid) else { continue };
        if index.count(&process).is_err() {
            unreadable.push(pid);
        }
    }
    index.read_mounts();
    Ok(Namespaces { list: index.into_list(), unreadable })
}

fn pids() -> Result<Vec<u32>, Error> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let entries = openat(CWD, "/proc", flags, Mode::empty()).and_then(Dir::new);
    let names: Result<Vec<_>, _> = entries.and_then(Iterator::collect);
    let names = names.map_err(|errno| {
        Error::new("namespaces", Step::List).with_errno(errno).with_object("/proc")
    })?;
    let mut pids: Vec<u32> =
        names.iter().filter_map(|entry| entry.file_name().to_str().ok()?.parse().ok()).collect();
    pids.sort_unstable();
    Ok(pids)
}
