//! What a filter returns for a system call.

use anyhow::{Result, ensure};
use oci_spec::runtime::LinuxSeccompAction;

/// `SECCOMP_RET_KILL_THREAD`: also for a processor that the filter does not name.
pub(super) const KILL_THREAD: u32 = 0;
/// `SECCOMP_RET_ERRNO` with `ENOSYS`.
pub(super) const NO_SUCH_CALL: u32 = ERRNO | ENOSYS;

const KILL_PROCESS: u32 = 0x8000_0000;
const TRAP: u32 = 0x0003_0000;
const ERRNO: u32 = 0x0005_0000;
const USER_NOTIFICATION: u32 = 0x7fc0_0000;
const TRACE: u32 = 0x7ff0_0000;
const LOG: u32 = 0x7ffc_0000;
const ALLOW: u32 = 0x7fff_0000;

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// The return value of an action. `errno` is that of the configuration.
pub(super) fn value(action: LinuxSeccompAction, errno: Option<u32>) -> Result<u32> {
    use LinuxSeccompAction as Action;
    let has_errno = matches!(action, Action::ScmpActErrno | Action::ScmpActTrace);
    ensure!(has_errno || errno.is_none(), "{action} has no errno: remove it");
    let errno = errno.unwrap_or(EPERM);
    ensure!(errno <= 0xffff, "an errno has 16 bits, and {errno} is larger");
    Ok(match action {
        Action::ScmpActKill | Action::ScmpActKillThread => KILL_THREAD,
        Action::ScmpActKillProcess => KILL_PROCESS,
        Action::ScmpActTrap => TRAP,
        Action::ScmpActErrno => ERRNO | errno,
        Action::ScmpActNotify => USER_NOTIFICATION,
        Action::ScmpActTrace => TRACE | errno,
        Action::ScmpActLog => LOG,
        Action::ScmpActAllow => ALLOW,
    })
}

/// Whether a system call proceeds by this action, at least if its tracer agrees.
pub(super) fn is_permissive(action: LinuxSeccompAction) -> bool {
    use LinuxSeccompAction as Action;
    matches!(action, Action::ScmpActAllow | Action::ScmpActLog | Action::ScmpActTrace)
}
