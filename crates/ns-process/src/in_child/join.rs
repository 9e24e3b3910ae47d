//! Entering namespaces of others.

use ns_sys::fd::BorrowedFd;
use ns_sys::{Errno, Namespace, NamespaceFlags, setns, setns_pidfd};

use super::handshake::{Handshake, Report};
use super::optimistic::{self, OverflowIds};
use super::privileges::{self, Label};
use crate::step::Step;

/// The index of a join that is about all at once.
pub(crate) const ALL_AT_ONCE: u32 = u32::MAX;

/// What is entered, all of it open already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Join<'a> {
    /// A process, and which of its namespaces.
    pub(crate) target: Option<(BorrowedFd<'a>, NamespaceFlags)>,
    /// Set where the target is taken for a usual one, and nobody looked.
    pub(crate) overflow_ids: Option<OverflowIds>,
    /// Single ones.
    pub(crate) files: &'a [(BorrowedFd<'a>, Namespace)],
}

impl Join<'_> {
    fn kinds(self) -> NamespaceFlags {
        let of_target = self.target.map_or(NamespaceFlags::empty(), |(_, kinds)| kinds);
        self.files.iter().fold(of_target, |kinds, (_, kind)| kinds.union(kind.flag()))
    }

    fn enter_one(self, wanted: Namespace) -> Result<(), Errno> {
        match (self.files.iter().find(|(_, kind)| *kind == wanted), self.target) {
            (Some((file, kind)), _) => setns(file, Some(*kind)),
            (None, Some((target, _))) => setns_pidfd(target, wanted.flag()),
            (None, None) => Ok(()),
        }
    }
}

/// Enters them, if there are any, with `label` written before.
pub(super) fn join(
    config: Join<'_>,
    label: Option<Label<'_>>,
    handshake: &Handshake,
) -> Result<(), Report> {
    if config.kinds().is_empty() {
        return Ok(());
    }
    privileges::exec_label(label)?;
    match (config.target, config.overflow_ids) {
        (Some((target, kinds)), Some(overflow_ids)) => {
            optimistic::enter(target, kinds, overflow_ids, handshake)
        }
        _ => enter(config),
    }
}

/// Enters them all at once, or where that cannot be in three passes: what cannot be entered yet may be
/// once the user namespace is, and what the caller alone may enter has to be entered before it.
pub(crate) fn enter(config: Join<'_>) -> Result<(), Report> {
    if let (Some((target, kinds)), []) = (config.target, config.files) {
        match setns_pidfd(target, kinds) {
            Err(Errno::PERM) if kinds.contains(NamespaceFlags::USER) => {}
            Err(errno) => return Err(Report { step: Step::Join, errno, index: ALL_AT_ONCE }),
            Ok(()) => return Ok(()),
        }
    }
    in_three_passes(config)
}

fn in_three_passes(config: Join<'_>) -> Result<(), Report> {
    let user = config.kinds().intersection(NamespaceFlags::USER);
    let mut left = NamespaceFlags::empty();
    for kind in config.kinds().difference(user).kinds() {
        match config.enter_one(kind) {
            Ok(()) => {}
            Err(Errno::PERM) => left = left.union(kind.flag()),
            Err(errno) => return Err(failed(kind, errno)),
        }
    }
    let mut last = user.kinds().chain(left.kinds());
    last.try_for_each(|kind| config.enter_one(kind).map_err(|errno| failed(kind, errno)))
}

fn failed(kind: Namespace, errno: Errno) -> Report {
    Report { step: Step::Join, errno, index: kind as u32 }
}
