//! Privileges of the program: capabilities, `no_new_privs`, a seccomp filter, a security label.
#![allow(unsafe_code, reason = "a seccomp filter, and a raw descriptor")]

use core::ffi::CStr;

use ns_sys::Errno;
use ns_sys::child::{self, BpfInstruction, CapabilitySets, Mode, OFlags};
use ns_sys::fd::BorrowedFd;

use super::cwd::cwd;
use super::handshake::Report;
use super::prctl::{self, Attribute};
use crate::step::Step;

/// include/uapi/linux/prctl.h.
const PR_CAP_AMBIENT_RAISE: usize = 2;

/// The requested settings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Privileges<'a> {
    pub(crate) no_new_privs: bool,
    pub(crate) capabilities: Option<Capabilities>,
    pub(crate) filter: Option<&'a [BpfInstruction]>,
    pub(crate) label: Option<Label<'a>>,
}

/// The path of an exec attribute file, and the text to write to it.
pub(crate) type Label<'a> = (&'a CStr, &'a [u8]);

/// Sets of capabilities, as bit masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// The permitted set of the child before its privileges are dropped.
    pub(crate) before: u64,
    /// Whether the child has to keep `before` when its uid changes.
    pub(crate) through_setresuid: bool,
    /// The capabilities to drop from the bounding set.
    pub(crate) dropped: u64,
    pub(crate) permitted: u64,
    pub(crate) inheritable: u64,
    /// The capabilities to raise in the ambient set.
    pub(crate) kept: u64,
}

/// Sets the security label for the next execve(2). The file is in the caller's `/proc`, which must still be reachable.
pub(super) fn set_exec_label(label: Option<Label<'_>>) -> Result<(), Report> {
    let Some((file, text)) = label else { return Ok(()) };
    write_label(file, text).map_err(|errno| Report::new(Step::ExecLabel, errno))
}

fn write_label(file: &CStr, text: &[u8]) -> Result<(), Errno> {
    let number = child::openat(cwd(), file, OFlags::WRONLY.union(OFlags::CLOEXEC), Mode::empty())?;
    // SAFETY: openat(2) has just returned it, and only the end of this function closes it.
    let attribute = unsafe { BorrowedFd::borrow_raw(number) };
    let written = child::write(attribute, text);
    // SAFETY: this function opened the descriptor; `attribute` is not used again.
    let _ = unsafe { child::close(number) };
    written.map(drop)
}

/// Must precede the change of the uid.
pub(super) fn keep_through_setresuid(privileges: Privileges<'_>) -> Result<(), Report> {
    if privileges.capabilities.is_some_and(|sets| sets.through_setresuid) {
        prctl::set(Attribute::Keepcaps, [1, 0])
            .map_err(|errno| Report::new(Step::Capabilities, errno))?;
    }
    Ok(())
}

pub(super) fn set_no_new_privs(privileges: Privileges<'_>) -> Result<(), Report> {
    if privileges.no_new_privs {
        prctl::set(Attribute::NoNewPrivs, [1, 0])
            .map_err(|errno| Report::new(Step::NoNewPrivs, errno))?;
    }
    Ok(())
}

/// Raises the effective set, which a change of the uid has cleared: the filter may need it, and [`set_capabilities`] does.
pub(super) fn regain(privileges: Privileges<'_>) -> Result<(), Report> {
    let Some(sets) = privileges.capabilities.filter(|sets| sets.through_setresuid) else {
        return Ok(());
    };
    let (all, inheritable) = (sets.before, sets.inheritable);
    child::capset(CapabilitySets { effective: all, permitted: all, inheritable })
        .map_err(|errno| Report::new(Step::Capabilities, errno))
}

pub(super) fn set_capabilities(privileges: Privileges<'_>) -> Result<(), Report> {
    let Some(sets) = privileges.capabilities else { return Ok(()) };
    change(sets).map_err(|errno| Report::new(Step::Capabilities, errno))
}

fn change(sets: Capabilities) -> Result<(), Errno> {
    for capability in bits(sets.dropped) {
        match prctl::set(Attribute::DropBounding, [capability, 0]) {
            // This kernel does not know the capability.
            Err(Errno::INVAL) => {}
            dropped => dropped?,
        }
    }
    let Capabilities { permitted, inheritable, .. } = sets;
    child::capset(CapabilitySets { effective: permitted, permitted, inheritable })?;
    for capability in bits(sets.kept) {
        prctl::set(Attribute::Ambient, [PR_CAP_AMBIENT_RAISE, capability])?;
    }
    Ok(())
}

fn bits(set: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |bit| set >> bit & 1 == 1)
}

/// Sets a filter without `no_new_privs`. It needs `CAP_SYS_ADMIN`, so it precedes the drop of capabilities.
pub(super) fn filter_early(privileges: Privileges<'_>) -> Result<(), Report> {
    if privileges.no_new_privs { Ok(()) } else { filter(privileges) }
}

/// Sets a filter with `no_new_privs`. It follows every call that it may forbid.
pub(super) fn filter_last(privileges: Privileges<'_>) -> Result<(), Report> {
    if privileges.no_new_privs { filter(privileges) } else { Ok(()) }
}

fn filter(privileges: Privileges<'_>) -> Result<(), Report> {
    let Some(filter) = privileges.filter else { return Ok(()) };
    // SAFETY: the caller chose the filter for a process that is about to execute another program. If it makes a
    // later call of the child fail, that is an error of the call's step.
    unsafe { child::seccomp_set_filter(0, filter) }
        .map_err(|errno| Report::new(Step::Seccomp, errno))?;
    Ok(())
}
