//! Detaching the child's mounts from the caller's.

use ns_sys::child;

use crate::{Propagation, Step, StepError};

/// `mount(NULL, "/", NULL, MS_REC | …)` — says how mounts travel, for every mount there is.
///
/// The first step in a new mount namespace: whatever is mounted earlier on a shared mount shows in
/// the caller's namespace too.
///
/// # Errors
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
pub fn propagation(wish: Propagation) -> Result<(), StepError> {
    child::mount_change(c"/", wish.flags())
        .map_err(|errno| StepError { step: Step::Propagation, errno })
}
