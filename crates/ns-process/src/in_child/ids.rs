//! User ID, group ID and supplementary groups of the program.

use ns_sys::{Errno, child};

use super::OverflowIds;
use super::handshake::Report;
use crate::step::Step;

/// The IDs to set, computed by the parent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ids<'a> {
    /// Whether to change to ID 0 once the ID maps are written.
    pub(crate) zero_gid: bool,
    pub(crate) zero_uid: bool,
    /// Set for a user namespace that is joined by a file: its maps can be read inside only.
    pub(crate) unless_mapped: Option<OverflowIds>,
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
    ids.unless_mapped.map_or(Ok(()), |overflow| become_zero_unless_mapped(overflow).map_err(failed))
}

/// Changes an ID that the kernel shows as one without a mapping. A namespace in which 0 has no mapping either changes
/// nothing.
fn become_zero_unless_mapped(overflow: OverflowIds) -> Result<(), Errno> {
    let unless_unmapped = |result| if result == Err(Errno::INVAL) { Ok(()) } else { result };
    if child::getegid()? == overflow.gid {
        unless_unmapped(child::setresgid(0))?;
    }
    if child::geteuid()? == overflow.uid {
        // The groups of the caller would stay; where setgroups(2) is denied they do.
        let _ = child::setgroups(&[]);
        unless_unmapped(child::setresuid(0))?;
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
