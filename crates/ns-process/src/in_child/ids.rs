//! Who the program is: user, group and supplementary groups.

use ns_sys::child;

use super::handshake::Report;
use crate::step::Step;

/// What the parent worked out; the child asks nobody who it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ids<'a> {
    /// Whether to become 0 as soon as the maps hold.
    pub(crate) zero_gid: bool,
    pub(crate) zero_uid: bool,
    pub(crate) groups: Option<&'a [u32]>,
    pub(crate) gid: Option<u32>,
    pub(crate) uid: Option<u32>,
}

/// Where the caller's own id is unmapped and 0 is mapped.
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

/// Groups, gid and uid of the program.
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
