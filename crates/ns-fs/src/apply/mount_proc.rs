//! `/proc` of the child's pid namespace.

use ns_sys::child::{self, MountFlags};

use crate::{Step, StepError};

/// `mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL)` — mounts the proc file
/// system of the caller's pid namespace over the present `/proc`.
///
/// # Errors
/// [`Step::MountProc`]:
/// - `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace or over the pid namespace; or the present `/proc`
///   is masked in part, which a user namespace may not undo.
/// - `ENOENT`: the root has no `/proc`.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.24; in a user namespace 3.8.
///
/// # References
/// proc(5), user_namespaces(7); fs/namespace.c `mount_too_revealing`.
pub fn mount_proc() -> Result<(), StepError> {
    let flags = MountFlags::NOSUID.union(MountFlags::NODEV).union(MountFlags::NOEXEC);
    child::mount(Some(c"proc"), c"/proc", Some(c"proc"), flags, None)
        .map_err(Step::MountProc.failed())
}
