//! Joins existing namespaces.

use ns_sys::fd::BorrowedFd;
use ns_sys::{Errno, Namespace, NamespaceFd, NamespaceFlags, setns, setns_pidfd};

use super::handshake::{ALL_AT_ONCE, Handshake, Report};
use super::optimistic::{self, OverflowIds};
use super::privileges::{self, Label};
use crate::step::Step;

/// The namespaces to join. All descriptors are open already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Join<'a> {
    /// A pidfd, and the kinds to join of that process.
    pub(crate) target: Option<(BorrowedFd<'a>, NamespaceFlags)>,
    /// Set for an optimistic join, whose target was not inspected.
    pub(crate) overflow_ids: Option<OverflowIds>,
    /// Namespace files, in addition to or instead of the target.
    pub(crate) files: &'a [(NamespaceFd, Namespace)],
}

impl Join<'_> {
    fn kinds(self) -> NamespaceFlags {
        let of_target = self.target.map_or(NamespaceFlags::empty(), |(_, kinds)| kinds);
        self.files.iter().fold(of_target, |kinds, (_, kind)| kinds.union(kind.flag()))
    }

    fn join_one(self, wanted: Namespace) -> Result<(), Errno> {
        match (self.files.iter().find(|(_, kind)| *kind == wanted), self.target) {
            (Some((file, kind)), _) => setns(file, Some(*kind)),
            (None, Some((target, _))) => setns_pidfd(target, wanted.flag()),
            (None, None) => Ok(()),
        }
    }
}

/// Writes the exec label and joins the namespaces. Does nothing if there is no namespace to join.
#[inline]
pub(super) fn join(
    config: Join<'_>,
    label: Option<Label<'_>>,
    handshake: &Handshake,
) -> Result<(), Report> {
    if config.kinds().is_empty() {
        return Ok(());
    }
    privileges::set_exec_label(label)?;
    match (config.target, config.overflow_ids) {
        (Some((target, kinds)), Some(overflow_ids)) => {
            optimistic::join(target, kinds, overflow_ids, handshake)
        }
        _ => enter(config),
    }
}

/// Joins the namespaces with one setns(2), or one by one in three passes.
///
/// Some namespaces may need capabilities that the caller only has before it joins the user namespace, and some need
/// capabilities that it only has afterwards. So the passes are: all but the user namespace, the user namespace, and
/// those that failed with `EPERM` in the first pass.
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
        match config.join_one(kind) {
            Ok(()) => {}
            Err(Errno::PERM) => left = left.union(kind.flag()),
            Err(errno) => return Err(failed(kind, errno)),
        }
    }
    let mut last = user.kinds().chain(left.kinds());
    last.try_for_each(|kind| config.join_one(kind).map_err(|errno| failed(kind, errno)))
}

fn failed(kind: Namespace, errno: Errno) -> Report {
    Report { step: Step::Join, errno, index: kind as u32 }
}
