//! What the program may do: capabilities, `no_new_privs`, a seccomp filter, a label.
#![allow(unsafe_code, reason = "prctl with numbers, a filter, and a descriptor of its own")]

use core::ffi::CStr;

use ns_sys::Errno;
use ns_sys::child::{self, BpfInstruction, CapabilitySets, Mode, OFlags};
use ns_sys::fd::BorrowedFd;

use super::cwd::here;
use super::handshake::Report;
use crate::step::Step;

/// Of include/uapi/linux/prctl.h.
const PR_SET_KEEPCAPS: u32 = 8;
const PR_CAPBSET_DROP: u32 = 24;
const PR_SET_NO_NEW_PRIVS: u32 = 38;
const PR_CAP_AMBIENT: u32 = 47;
const PR_CAP_AMBIENT_RAISE: usize = 2;

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Privileges<'a> {
    pub(crate) no_new_privs: bool,
    pub(crate) capabilities: Option<Capabilities>,
    pub(crate) filter: Option<&'a [BpfInstruction]>,
    pub(crate) label: Option<Label<'a>>,
}

/// The file of an exec label, and what is written into it.
pub(crate) type Label<'a> = (&'a CStr, &'a [u8]);

/// Sets of capabilities, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// What the child has before.
    pub(crate) before: u64,
    /// Whether it has to keep them when its uid changes.
    pub(crate) through_setresuid: bool,
    /// What leaves the bounding set.
    pub(crate) dropped: u64,
    pub(crate) permitted: u64,
    pub(crate) inheritable: u64,
    /// What becomes ambient.
    pub(crate) kept: u64,
}

/// For the program that comes: the file is one of the caller's proc, as long as it can be reached.
pub(super) fn exec_label(label: Option<Label<'_>>) -> Result<(), Report> {
    let Some((file, text)) = label else { return Ok(()) };
    write_label(file, text).map_err(|errno| Report::new(Step::ExecLabel, errno))
}

fn write_label(file: &CStr, text: &[u8]) -> Result<(), Errno> {
    let number = child::openat(here(), file, OFlags::WRONLY.union(OFlags::CLOEXEC), Mode::empty())?;
    // SAFETY: the kernel has just returned it, and only the end of this function closes it.
    let attribute = unsafe { BorrowedFd::borrow_raw(number) };
    let written = child::write(attribute, text);
    // SAFETY: as above; `attribute` is not used again.
    let _ = unsafe { child::close(number) };
    written.map(drop)
}

/// Before the uid changes.
pub(super) fn keep_through_setresuid(privileges: Privileges<'_>) -> Result<(), Report> {
    if privileges.capabilities.is_some_and(|sets| sets.through_setresuid) {
        prctl(PR_SET_KEEPCAPS, [1, 0, 0, 0])
            .map_err(|errno| Report::new(Step::Capabilities, errno))?;
    }
    Ok(())
}

pub(super) fn no_new_privs(privileges: Privileges<'_>) -> Result<(), Report> {
    if privileges.no_new_privs {
        prctl(PR_SET_NO_NEW_PRIVS, [1, 0, 0, 0])
            .map_err(|errno| Report::new(Step::NoNewPrivs, errno))?;
    }
    Ok(())
}

/// What a change of the uid took out of force: a filter may need it, and [`capabilities`] does.
pub(super) fn regain(privileges: Privileges<'_>) -> Result<(), Report> {
    let Some(sets) = privileges.capabilities.filter(|sets| sets.through_setresuid) else {
        return Ok(());
    };
    let (all, inheritable) = (sets.before, sets.inheritable);
    child::capset(CapabilitySets { effective: all, permitted: all, inheritable })
        .map_err(|errno| Report::new(Step::Capabilities, errno))
}

pub(super) fn capabilities(privileges: Privileges<'_>) -> Result<(), Report> {
    let Some(sets) = privileges.capabilities else { return Ok(()) };
    change(sets).map_err(|errno| Report::new(Step::Capabilities, errno))
}

fn change(sets: Capabilities) -> Result<(), Errno> {
    for capability in bits(sets.dropped) {
        match prctl(PR_CAPBSET_DROP, [capability, 0, 0, 0]) {
            // This kernel has no such capability to drop.
            Err(Errno::INVAL) => {}
            dropped => dropped?,
        }
    }
    let Capabilities { permitted, inheritable, .. } = sets;
    child::capset(CapabilitySets { effective: permitted, permitted, inheritable })?;
    for capability in bits(sets.kept) {
        prctl(PR_CAP_AMBIENT, [PR_CAP_AMBIENT_RAISE, capability, 0, 0])?;
    }
    Ok(())
}

fn bits(set: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |bit| set >> bit & 1 == 1)
}

fn prctl(option: u32, arguments: [usize; 4]) -> Result<(), Errno> {
    // SAFETY: the options of this file take numbers only.
    unsafe { child::prctl(option, arguments) }.map(drop)
}

/// Before the capabilities go, one of which it needs.
pub(super) fn filter_early(privileges: Privileges<'_>) -> Result<(), Report> {
    if privileges.no_new_privs { Ok(()) } else { filter(privileges) }
}

/// After everything that it may forbid.
pub(super) fn filter_last(privileges: Privileges<'_>) -> Result<(), Report> {
    if privileges.no_new_privs { filter(privileges) } else { Ok(()) }
}

fn filter(privileges: Privileges<'_>) -> Result<(), Report> {
    let Some(filter) = privileges.filter else { return Ok(()) };
    // SAFETY: what the filter answers is the wish of the caller, for a process that is about to be
    // another program; what it forbids of the calls that follow here is an error of its step.
    unsafe { child::seccomp_set_filter(0, filter) }
        .map_err(|errno| Report::new(Step::Seccomp, errno))?;
    Ok(())
}
