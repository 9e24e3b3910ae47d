//! The joined namespaces, opened before the join: afterwards their paths may be unreachable or name other files.

mod cgroup;
mod error;
mod file;
mod from_target;
mod ids;
mod namespaces;
mod optimistic;

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{Errno, Namespace, NamespaceFd, NamespaceFlags};

use crate::error::Error;
use crate::in_child::{Join, OverflowIds};
use crate::proc_dir::ProcDir;
use crate::process::{LONG_ENOUGH, is_readable_within};
use crate::settings::{self, PrivilegeCeiling};
use crate::step::Step;
use from_target::OpenFromTarget;
use ids::TargetIds;

/// The target and namespace files to open.
#[derive(Clone, Copy)]
pub(crate) struct TargetSpec<'a> {
    /// The name of the start, for error messages.
    pub(crate) name: &'a str,
    /// Where proc is mounted.
    pub(crate) proc: &'a Path,
    pub(crate) join: &'a settings::Join,
}

/// Open namespaces, without those that the caller is already in.
#[derive(Debug)]
pub(crate) struct OpenTarget {
    target: Option<(Arc<OwnedFd>, NamespaceFlags)>,
    /// Set for an optimistic join: the target was not inspected.
    overflow_ids: Option<OverflowIds>,
    files: Vec<(NamespaceFd, Namespace)>,
    ids: TargetIds,
    from_target: OpenFromTarget,
}

impl OpenTarget {
    /// Opens the namespace files that `spec` names, and inspects the target: which of its namespaces are not the
    /// caller's, and what the child has to know about it.
    pub(crate) fn open(spec: TargetSpec<'_>, target: Option<Arc<OwnedFd>>) -> Result<Self, Error> {
        let files = spec.files()?;
        let joins_user = files.iter().any(|(_, kind)| *kind == Namespace::User);
        let overflow = if joins_user { optimistic::overflow_ids(spec.proc) } else { None };
        let (ids, from_target) = (TargetIds::of_file(overflow), OpenFromTarget::default());
        let Some(pidfd) = target else {
            return Ok(Self { target: None, overflow_ids: None, files, ids, from_target });
        };
        let dir = ProcDir::of(spec.proc, &pidfd);
        let dir = dir.as_ref();
        let kinds = spec.unshared(&pidfd, dir, spec.join.target_kinds)?;
        let from_target = spec.open_from_target(&pidfd, dir)?;
        let joins_user = kinds.contains(NamespaceFlags::USER);
        let ids = dir.filter(|_| joins_user).map_or(ids, TargetIds::read);
        Ok(Self { target: Some((pidfd, kinds)), overflow_ids: None, files, ids, from_target })
    }

    /// The kinds of all namespaces to join.
    pub(crate) fn kinds(&self) -> NamespaceFlags {
        let of_target = self.target.as_ref().map_or(NamespaceFlags::empty(), |(_, kinds)| *kinds);
        self.files.iter().fold(of_target, |kinds, (_, kind)| kinds | kind.flag())
    }

    /// Replaces `error` if its cause is that the target has exited: then the child is killed with the joined pid
    /// namespace, or can no longer be made there.
    pub(crate) fn explained(&self, spec: TargetSpec<'_>, error: Error) -> Error {
        let target_exited = match error.errno() {
            None => error.step() == Step::Exec && self.target_ends(),
            Some(Errno::SRCH) => error.step() == Step::Join && self.target.is_some(),
            Some(Errno::NOMEM) => error.step() == Step::Clone && self.target_ends(),
            Some(_) => false,
        };
        if target_exited { spec.gone() } else { error }
    }

    /// Whether the target exits within a short time: the end of a pid namespace takes a moment.
    fn target_ends(&self) -> bool {
        self.target.as_ref().is_some_and(|(pidfd, _)| is_readable_within(pidfd, LONG_ENOUGH))
    }

    /// The numbers of the descriptors that the child must not keep.
    pub(crate) fn opened(&self) -> impl Iterator<Item = RawFd> {
        let files = self.files.iter().map(|(file, _)| file.as_fd());
        files.chain(self.from_target.opened()).map(|file| file.as_raw_fd())
    }

    /// What the joining process receives.
    pub(crate) fn child(&self) -> Join<'_> {
        let target = self.target.as_ref().filter(|(_, kinds)| !kinds.is_empty());
        let target = target.map(|(pidfd, kinds)| (pidfd.as_fd(), *kinds));
        Join { target, overflow_ids: self.overflow_ids, files: &self.files }
    }

    /// The upper bound of the child's privileges, if it takes over those of the target.
    pub(crate) fn ceiling(&self) -> Option<PrivilegeCeiling> {
        self.from_target.privileges
    }
}
