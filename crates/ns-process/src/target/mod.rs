//! What is entered, opened before that: inside, its files may be out of reach or another's.

mod cgroup;
mod error;
mod file;
mod from_target;
mod ids;
mod namespaces;
mod optimistic;
mod own;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{Errno, Namespace, NamespaceFd, NamespaceFlags};

use crate::error::Error;
use crate::in_child::{FromTarget, Ids, Join, OverflowIds};
use crate::proc_dir::ProcDir;
use crate::process::{LONG_ENOUGH, is_readable_within};
use crate::settings::{self, PrivilegeCeiling};
use crate::step::Step;
use from_target::OpenFromTarget;
use ids::TargetIds;

/// What is to be opened.
#[derive(Clone, Copy)]
pub(crate) struct TargetSpec<'a> {
    /// Of who enters, in messages.
    pub(crate) name: &'a str,
    /// Where proc is mounted.
    pub(crate) proc: &'a Path,
    pub(crate) join: &'a settings::Join,
}

/// Open namespaces, those that the caller is in already left out.
#[derive(Debug)]
pub(crate) struct OpenTarget {
    target: Option<(Arc<OwnedFd>, NamespaceFlags)>,
    /// Set where the target is taken for a usual one: then nothing of it was looked at.
    overflow_ids: Option<OverflowIds>,
    files: Vec<(NamespaceFd, Namespace)>,
    ids: TargetIds,
    from_target: OpenFromTarget,
}

impl OpenTarget {
    /// Opens what `spec` names.
    pub(crate) fn open(spec: TargetSpec<'_>, target: Option<Arc<OwnedFd>>) -> Result<Self, Error> {
        let files = spec.files()?;
        let (ids, from_target) = (TargetIds::default(), OpenFromTarget::default());
        let Some((pidfd, (_, kinds))) = target.zip(spec.join.target.as_ref()) else {
            return Ok(Self { target: None, overflow_ids: None, files, ids, from_target });
        };
        let dir = ProcDir::of(spec.proc, &pidfd);
        let dir = dir.as_ref();
        let kinds = spec.unshared(&pidfd, dir, *kinds)?;
        let from_target = spec.open_from_target(&pidfd, dir)?;
        let enters_user = kinds.contains(NamespaceFlags::USER);
        let ids = dir.filter(|_| enters_user).map_or(ids, TargetIds::read);
        Ok(Self { target: Some((pidfd, kinds)), overflow_ids: None, files, ids, from_target })
    }

    /// Opens the target alone, and takes it for a usual one; `None` where that is no use.
    ///
    /// Whether a time namespace is entered has to be known: that decides how memory is had.
    pub(crate) fn overflow_ids(
        spec: TargetSpec<'_>,
        target: Option<Arc<OwnedFd>>,
    ) -> Result<Option<Self>, Error> {
        let target = target.zip(spec.join.target.as_ref());
        let known = target.zip(optimistic::overflow_ids(spec.proc));
        let Some(((pidfd, (_, kinds)), overflow_ids)) = known else { return Ok(None) };
        let time = *kinds & NamespaceFlags::TIME;
        if !time.is_empty() {
            let dir = ProcDir::of(spec.proc, &pidfd);
            if !spec.unshared(&pidfd, dir.as_ref(), time)?.is_empty() {
                return Ok(None);
            }
        }
        let kinds = *kinds - time;
        Ok((!kinds.is_empty()).then(|| Self {
            target: Some((pidfd, kinds)),
            overflow_ids: Some(overflow_ids),
            files: Vec::new(),
            ids: TargetIds::default(),
            from_target: OpenFromTarget::default(),
        }))
    }

    /// Whether a start that took the target for a usual one failed because it is not, or because that cannot be
    /// seen here; then nobody tries again.
    pub(crate) fn needs_inspection(error: &Error) -> bool {
        match error.step() {
            Step::Join => {
                optimistic::note(error.errno());
                true
            }
            // From a pid namespace that the caller has unshared nobody goes by a process between.
            Step::Clone => error.errno() == Some(Errno::INVAL),
            _ => false,
        }
    }

    /// Every kind that will be entered.
    pub(crate) fn kinds(&self) -> NamespaceFlags {
        let of_target = self.target.as_ref().map_or(NamespaceFlags::empty(), |(_, kinds)| *kinds);
        self.files.iter().fold(of_target, |kinds, (_, kind)| kinds | kind.flag())
    }

    /// `error`, or that the target has ended, if that is what it comes from: the child is killed with
    /// the pid namespace that it entered, or cannot be made there any more.
    pub(crate) fn explained(&self, spec: TargetSpec<'_>, error: Error) -> Error {
        let by_its_end = match error.errno() {
            None => error.step() == Step::Exec && self.target_ends(),
            Some(Errno::SRCH) => error.step() == Step::Join && self.target.is_some(),
            Some(Errno::NOMEM) => error.step() == Step::Clone && self.target_ends(),
            Some(_) => false,
        };
        if by_its_end { spec.gone() } else { error }
    }

    /// Whether the target has ended, or is just about to: the end of a pid namespace takes a moment.
    fn target_ends(&self) -> bool {
        self.target.as_ref().is_some_and(|(pidfd, _)| is_readable_within(pidfd, LONG_ENOUGH))
    }

    /// The files, as [`child`](Self::child) takes them.
    pub(crate) fn borrowed_files(&self) -> Vec<(BorrowedFd<'_>, Namespace)> {
        self.files.iter().map(|(file, kind)| (file.as_fd(), *kind)).collect()
    }

    /// The descriptors of what is not the child's to keep, by number.
    pub(crate) fn opened(&self) -> impl Iterator<Item = RawFd> {
        let files = self.files.iter().map(|(file, _)| file.as_fd());
        files.chain(self.from_target.opened()).map(|file| file.as_raw_fd())
    }

    /// What who enters is told.
    pub(crate) fn child<'a>(&'a self, files: &'a [(BorrowedFd<'a>, Namespace)]) -> Join<'a> {
        let target = self.target.as_ref().filter(|(_, kinds)| !kinds.is_empty());
        let target = target.map(|(pidfd, kinds)| (pidfd.as_fd(), *kinds));
        Join { target, overflow_ids: self.overflow_ids, files }
    }

    /// The ids with which the child goes on.
    pub(crate) fn ids<'a>(&self, ids: Ids<'a>, asks_for_groups: bool) -> Ids<'a> {
        self.ids.ids(ids, asks_for_groups)
    }

    /// Where the child goes.
    pub(crate) fn inherited(&self) -> Option<FromTarget<'_>> {
        self.from_target.child()
    }

    /// The most that the child may do, if it is the target's measure.
    pub(crate) fn ceiling(&self) -> Option<PrivilegeCeiling> {
        self.from_target.privileges
    }

    /// Moves the child into the target's cgroups, if that is wished. Its `number` is asked for each time.
    pub(crate) fn move_to_cgroups(
        &self,
        spec: TargetSpec<'_>,
        number: impl Fn() -> Result<u32, Error>,
    ) -> Result<(), Error> {
        self.from_target.cgroups.take(spec, number)
    }
}
