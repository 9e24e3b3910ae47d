//! User ID, group ID and supplementary groups of the program.

use ns_sys::child;

use super::handshake::Report;
use crate::step::Step;

/// The IDs to set, computed by the parent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ids<'a> {
    /// Whether to change to ID 0 once the ID maps are written.
    pub(crate) zero_gid: bool,
    pub(crate) zero_uid: bool,
    pub(crate) groups: Option<&'a [u32]>,
    pub(crate) gid: Option<u32>,
    pub(crate) uid: Option<u32>,
}

/// Changes to ID 0, where the caller's own ID has no mapping and 0 has one.
#[inline]
pub(super) fn become_zero(ids: Ids<'_>) -> Result<(), Report> {
    let failed = |errno| Report::new(Step::BecomeZero, errno);
    if ids.zero_gid {
        child::setresgid(0).map_err(failed)?;
    }
    if ids.zero_uid {
        child::setresuid(0).map_err(failed)?;
    }
    Ok(())
}

/// Sets groups, gid and uid of the program. The uid is last: its change clears the capabilities that the other
/// calls need.
#[inline]
pub(super) fn assume(ids: Ids<'_>) -> Result<(), Report> {
    if let Some(groups) = ids.groups {
        child::setgroups(groups).map_err(|errno| Report::new(Step::Groups, errno))?;
    }
    if let Some(gid) = ids.gid {
        child::setresgid(gid).map_err(|errno| Report::new(Step::Gid, errno))?;
    }
    if let Some(uid) = ids.uid {
        child::setresuid(uid).map_err(|errno| Report::new(Step::Uid, errno))?;
    }
    Ok(())
}
