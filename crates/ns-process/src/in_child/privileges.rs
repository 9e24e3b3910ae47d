//! Restrictions of the program: `no_new_privs`, a seccomp filter, a security label.
#![allow(unsafe_code, reason = "a seccomp filter, and the descriptor that it returns")]

use core::ffi::CStr;

use ns_sys::Errno;
use ns_sys::child::{self, BpfInstruction};
use ns_sys::fd::{BorrowedFd, RawFd};

use super::capabilities::CapabilityChange;
use super::cwd::cwd;
use super::handshake::Report;
use super::prctl::{self, Attribute};
use super::write_file::write_file;
use crate::step::Step;

/// The requested settings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Privileges<'a> {
    pub(crate) no_new_privs: bool,
    pub(crate) capabilities: Option<CapabilityChange>,
    pub(crate) filter: Option<&'a [BpfInstruction]>,
    /// `SECCOMP_FILTER_FLAG_*`.
    pub(crate) filter_flags: u32,
    /// The socket that receives a listener of the filter.
    pub(crate) listener: Option<BorrowedFd<'a>>,
    pub(crate) label: Option<Label<'a>>,
}

/// `SECCOMP_FILTER_FLAG_NEW_LISTENER` of include/uapi/linux/seccomp.h.
const NEW_LISTENER: u32 = 8;

/// The message with a listener: its name in the OCI runtime-spec.
const LISTENER: &[u8] = b"seccompFd";

/// The path of an exec attribute file, and the text to write to it.
pub(crate) type Label<'a> = (&'a CStr, &'a [u8]);

/// Sets the security label for the next execve(2). The file is in the caller's `/proc`, which must still be reachable.
#[inline]
pub(super) fn set_exec_label(label: Option<Label<'_>>) -> Result<(), Report> {
    let Some((file, text)) = label else { return Ok(()) };
    write_file(cwd(), file, text).map_err(|errno| Report::new(Step::ExecLabel, errno))
}

#[inline]
pub(super) fn set_no_new_privs(privileges: Privileges<'_>) -> Result<(), Report> {
    if privileges.no_new_privs {
        prctl::set(Attribute::NoNewPrivs, [1, 0])
            .map_err(|errno| Report::new(Step::NoNewPrivs, errno))?;
    }
    Ok(())
}

/// Sets a filter without `no_new_privs`. It needs `CAP_SYS_ADMIN`, so it precedes the drop of capabilities.
#[inline]
pub(super) fn filter_early(privileges: Privileges<'_>) -> Result<(), Report> {
    if privileges.no_new_privs { Ok(()) } else { filter(privileges) }
}

/// Sets a filter with `no_new_privs`. It follows every call that it may forbid.
#[inline]
pub(super) fn filter_last(privileges: Privileges<'_>) -> Result<(), Report> {
    if privileges.no_new_privs { filter(privileges) } else { Ok(()) }
}

fn filter(privileges: Privileges<'_>) -> Result<(), Report> {
    let Some(filter) = privileges.filter else { return Ok(()) };
    let flags = privileges.listener.map_or(0, |_| NEW_LISTENER) | privileges.filter_flags;
    // SAFETY: the caller chose the filter for a process that is about to execute another program. If it makes a
    // later call of the child fail, that is an error of the call's step.
    let installed = unsafe { child::seccomp_set_filter(flags, filter) }
        .map_err(|errno| Report::new(Step::Seccomp, errno))?;
    let Some(socket) = privileges.listener else { return Ok(()) };
    let number = RawFd::try_from(installed);
    let number = number.map_err(|_| Report::new(Step::Seccomp, Errno::OVERFLOW))?;
    // SAFETY: the kernel has just opened it, close-on-exec; nothing else in this process closes it.
    let listener = unsafe { BorrowedFd::borrow_raw(number) };
    let sent = child::send_fd(socket, LISTENER, listener);
    sent.map(drop).map_err(|errno| Report::new(Step::SendListener, errno))
}
