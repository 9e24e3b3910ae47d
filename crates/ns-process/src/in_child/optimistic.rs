//! Entering a target of which the usual is taken for granted, and seeing from inside that it holds.
//!
//! To look from outside, at a file for each namespace and each map, costs half a start.

use ns_sys::fd::BorrowedFd;
use ns_sys::{Errno, NamespaceFlags, child, setns_pidfd};

use super::handshake::{Handshake, Report};
use super::join::ALL_AT_ONCE;
use crate::step::Step;

/// How the kernel shows ids that have no mapping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverflowIds {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Enters all at once, if no mount or user namespace is the caller's own already, and its ids have a mapping; to
/// enter another of one's own changes nothing.
///
/// A report of this step, whatever is wrong, means that the caller has to look; also where a filter ends who looks.
pub(super) fn enter(
    target: BorrowedFd<'_>,
    kinds: NamespaceFlags,
    overflow_ids: OverflowIds,
    handshake: &Handshake,
) -> Result<(), Report> {
    let report = |errno| Report { step: Step::Join, errno, index: ALL_AT_ONCE };
    handshake.report(report(Errno::CANCELED));
    enter_and_look(target, kinds, overflow_ids).map_err(report)?;
    handshake.retract();
    Ok(())
}

fn enter_and_look(
    target: BorrowedFd<'_>,
    kinds: NamespaceFlags,
    overflow_ids: OverflowIds,
) -> Result<(), Errno> {
    let enters_mounts = kinds.contains(NamespaceFlags::MNT);
    // To enter one's own would change root and working directory.
    let root = if enters_mounts { Some(own_root()?) } else { None };
    setns_pidfd(target, kinds)?;
    if root.is_some_and(|root| child::has_mount(root) != Ok(false)) {
        return Err(Errno::EXIST);
    }
    let enters_user = kinds.contains(NamespaceFlags::USER);
    if enters_user
        && (child::geteuid()? == overflow_ids.uid || child::getegid()? == overflow_ids.gid)
    {
        return Err(Errno::OVERFLOW);
    }
    Ok(())
}

/// A mount of the caller's mount namespace; who unmounts it meanwhile has all power over that namespace.
fn own_root() -> Result<u64, Errno> {
    let root = child::mount_id(c"/")?;
    // A root may lie in none, or in another one.
    if child::has_mount(root)? { Ok(root) } else { Err(Errno::XDEV) }
}
