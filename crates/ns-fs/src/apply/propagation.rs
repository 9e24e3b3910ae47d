//! The propagation of the child's mounts.

use ns_sys::child::{self, MountPropagationFlags};

use crate::{Propagation, Step, StepError};

/// `mount(NULL, "/", NULL, MS_REC | …)` — sets the propagation type of all mounts.
///
/// This must be the first step in a new mount namespace: an earlier mount on a shared mount would
/// propagate to the caller's namespace.
///
/// # Errors
/// [`Step::Propagation`]:
/// - `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace.
/// - `EINVAL`: the root is not a mount point, as after chroot(2).
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.15.
///
/// # References
/// mount(2), mount_namespaces(7); fs/namespace.c `do_change_type`.
pub fn propagation(propagation: Propagation) -> Result<(), StepError> {
    let flags = propagation.flag().union(MountPropagationFlags::REC);
    child::mount_change(c"/", flags).map_err(Step::Propagation.failed())
}
