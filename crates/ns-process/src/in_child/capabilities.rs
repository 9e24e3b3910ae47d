//! The capability sets of the program.

use ns_sys::Errno;
use ns_sys::child::{self, CapabilitySets};

use super::handshake::Report;
use super::prctl::{self, Attribute};
use crate::step::Step;

/// include/uapi/linux/prctl.h.
const PR_CAP_AMBIENT_RAISE: usize = 2;
const PR_CAP_AMBIENT_CLEAR_ALL: usize = 4;

/// A change of the capability sets, as bit masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CapabilityChange {
    /// The permitted set of the child before the change.
    pub(crate) before: u64,
    /// The inheritable set of the child before the change.
    pub(crate) inheritable_before: u64,
    /// Whether all capabilities of `before` are made effective first. The child then keeps them when its uid changes.
    pub(crate) raises_before: bool,
    /// The capabilities to drop from the bounding set.
    pub(crate) dropped: u64,
    /// The capabilities that the bounding set must contain.
    pub(crate) bounding: u64,
    pub(crate) permitted: u64,
    pub(crate) effective: u64,
    pub(crate) inheritable: u64,
    /// Whether the sets become exactly these. Otherwise the ambient set only grows, and every inheritable capability is
    /// in the bounding set.
    pub(crate) is_exact: bool,
    /// The capabilities to raise in the ambient set.
    pub(crate) ambient: u64,
}

/// Must precede the change of the uid.
#[inline]
pub(super) fn keep_through_setresuid(change: Option<CapabilityChange>) -> Result<(), Report> {
    if change.is_some_and(|change| change.raises_before) {
        prctl::set(Attribute::Keepcaps, [1, 0]).map_err(failed)?;
    }
    Ok(())
}

/// Raises the effective set, which a change of the uid has cleared: the filter may need it, and [`set`] does.
#[inline]
pub(super) fn regain(change: Option<CapabilityChange>) -> Result<(), Report> {
    let Some(change) = change.filter(|change| change.raises_before) else { return Ok(()) };
    raise(change, change.inheritable_before).map_err(failed)
}

#[inline]
pub(super) fn set(change: Option<CapabilityChange>) -> Result<(), Report> {
    change.map_or(Ok(()), |change| make(change).map_err(failed))
}

fn make(change: CapabilityChange) -> Result<(), Errno> {
    if change.is_exact {
        // Once a capability has left the bounding set, it cannot become inheritable.
        raise(change, change.inheritable)?;
    }
    bits(change.dropped).try_for_each(drop_bounding)?;
    for capability in bits(change.bounding) {
        if !is_in_bounding(capability)? {
            return Err(Errno::PERM);
        }
    }
    let CapabilityChange { effective, permitted, inheritable, .. } = change;
    child::capset(CapabilitySets { effective, permitted, inheritable })?;
    if change.is_exact {
        prctl::set(Attribute::Ambient, [PR_CAP_AMBIENT_CLEAR_ALL, 0])?;
    }
    let raise = |capability| prctl::set(Attribute::Ambient, [PR_CAP_AMBIENT_RAISE, capability]);
    bits(change.ambient).try_for_each(raise)
}

fn raise(change: CapabilityChange, inheritable: u64) -> Result<(), Errno> {
    let all = change.before;
    child::capset(CapabilitySets { effective: all, permitted: all, inheritable })
}

fn drop_bounding(capability: usize) -> Result<(), Errno> {
    match prctl::set(Attribute::DropBounding, [capability, 0]) {
        // This kernel does not know the capability.
        Err(Errno::INVAL) => Ok(()),
        Err(Errno::PERM) if is_in_bounding(capability) == Ok(false) => Ok(()),
        dropped => dropped,
    }
}

fn is_in_bounding(capability: usize) -> Result<bool, Errno> {
    prctl::get(Attribute::ReadBounding, capability).map(|is_in| is_in != 0)
}

fn bits(set: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |bit| set >> bit & 1 == 1)
}

fn failed(errno: Errno) -> Report {
    Report::new(Step::Capabilities, errno)
}
