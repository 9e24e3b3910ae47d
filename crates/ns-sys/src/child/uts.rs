//! The host name and the domain name of the UTS namespace.
#![allow(unsafe_code, reason = "system calls")]

use linux_raw_sys::general::{__NR_setdomainname, __NR_sethostname};

use crate::Result;
use crate::arch::syscall;

/// `sethostname(name)` — set the host name of the caller's UTS namespace.
///
/// # Errors
/// - `EPERM`: the caller lacks `CAP_SYS_ADMIN` over the UTS namespace.
/// - `EINVAL`: the name is longer than 64 bytes.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// sethostname(2), uts_namespaces(7); kernel/sys.c.
pub fn sethostname(name: &[u8]) -> Result<()> {
    // SAFETY: the slice outlives the call.
    unsafe { syscall(__NR_sethostname, [name.as_ptr().expose_provenance(), name.len()]) }.map(drop)
}

/// `setdomainname(name)` — set the NIS domain name of the caller's UTS namespace.
///
/// # Errors
/// - `EPERM`: the caller lacks `CAP_SYS_ADMIN` over the UTS namespace.
/// - `EINVAL`: the name is longer than 64 bytes.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.0.
///
/// # References
/// setdomainname(2), uts_namespaces(7); kernel/sys.c.
pub fn setdomainname(name: &[u8]) -> Result<()> {
    // SAFETY: the slice outlives the call.
    unsafe { syscall(__NR_setdomainname, [name.as_ptr().expose_provenance(), name.len()]) }
        .map(drop)
}
