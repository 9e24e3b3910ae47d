//! What the program may do: capabilities, `no_new_privs`, a seccomp filter, a label.
#![allow(unsafe_code, reason = "prctl with numbers, and a filter")]

use ns_sys::child::{self, BpfInstruction};

use super::words::Report;
use crate::step::Step;

/// `PR_SET_NO_NEW_PRIVS` of include/uapi/linux/prctl.h.
const PR_SET_NO_NEW_PRIVS: u32 = 38;

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Privileges<'a> {
    pub(crate) no_new_privs: bool,
    pub(crate) filter: Option<&'a [BpfInstruction]>,
}

pub(super) fn no_new_privs(privileges: Privileges<'_>) -> Result<(), Report> {
    if privileges.no_new_privs {
        // SAFETY: the arguments are numbers.
        unsafe { child::prctl(PR_SET_NO_NEW_PRIVS, [1, 0, 0, 0]) }
            .map_err(|errno| Report::new(Step::NoNewPrivs, errno))?;
    }
    Ok(())
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
    // another program; until then it makes no call but those that follow here.
    unsafe { child::seccomp_set_filter(0, filter) }
        .map_err(|errno| Report::new(Step::Seccomp, errno))?;
    Ok(())
}
