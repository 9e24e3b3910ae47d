//! Joins optimistically, then verifies the assumptions from inside.
//!
//! Inspecting the target from outside reads a file for each namespace and each ID map, which takes half as long as a
//! start.

use ns_sys::fd::BorrowedFd;
use ns_sys::{Errno, NamespaceFlags, child, setns_pidfd};

use super::handshake::{ALL_AT_ONCE, Handshake, Report};
use crate::step::Step;

/// The IDs that the kernel shows for IDs without a mapping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverflowIds {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Joins all namespaces with one setns(2) and verifies two assumptions: the mount and user namespaces are not the
/// caller's own, and the caller's IDs have a mapping. Joining any other namespace of its own has no effect.
///
/// After any report of this step the caller inspects the target and starts again. The report is stored first and
/// removed at the end, so it is also there if a seccomp filter kills the child in between.
pub(super) fn join(
    target: BorrowedFd<'_>,
    kinds: NamespaceFlags,
    overflow_ids: OverflowIds,
    handshake: &Handshake,
) -> Result<(), Report> {
    let report = |errno| Report { step: Step::Join, errno, index: ALL_AT_ONCE };
    handshake.report(report(Errno::CANCELED));
    join_and_verify(target, kinds, overflow_ids).map_err(report)?;
    handshake.retract();
    Ok(())
}

fn join_and_verify(
    target: BorrowedFd<'_>,
    kinds: NamespaceFlags,
    overflow_ids: OverflowIds,
) -> Result<(), Errno> {
    let joins_mounts = kinds.contains(NamespaceFlags::MNT);
    // setns(2) to its own mount namespace would succeed, and change the root and working directory.
    let root = if joins_mounts { Some(own_root()?) } else { None };
    setns_pidfd(target, kinds)?;
    if root.is_some_and(|root| child::has_mount(root) != Ok(false)) {
        return Err(Errno::EXIST);
    }
    let joins_user = kinds.contains(NamespaceFlags::USER);
    if joins_user
        && (child::geteuid()? == overflow_ids.uid || child::getegid()? == overflow_ids.gid)
    {
        return Err(Errno::OVERFLOW);
    }
    Ok(())
}

/// The mount ID of the root, which is in the caller's mount namespace. To unmount it before it is looked up again, a
/// process needs `CAP_SYS_ADMIN` over that namespace.
fn own_root() -> Result<u64, Errno> {
    let root = child::mount_id(c"/")?;
    // The root may be a detached mount, or in another mount namespace.
    if child::has_mount(root)? { Ok(root) } else { Err(Errno::XDEV) }
}
