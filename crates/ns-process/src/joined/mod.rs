//! What is entered, opened before that: inside, its files may be out of reach or another's.

mod cgroup;
mod error;
mod file;
mod folder;
mod follow;
mod ids;
mod namespaces;
mod own;
mod usual;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{Errno, Namespace, NamespaceFd, NamespaceFlags};

use crate::error::Error;
use crate::in_child::{Follow, Ids, Join, Unmapped};
use crate::plan;
use crate::process::{LONG_ENOUGH, is_readable_within};
use crate::step::Step;
use folder::Folder;
use follow::Followed;
use ids::Inside;

pub(crate) use follow::Limited;

/// What is to be opened.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    /// Of who enters, in messages.
    pub(crate) name: &'a str,
    /// Where proc is mounted.
    pub(crate) proc: &'a Path,
    pub(crate) join: &'a plan::Join,
}

/// Open namespaces, those that the caller is in already left out.
#[derive(Debug)]
pub(crate) struct Joined {
    target: Option<(Arc<OwnedFd>, NamespaceFlags)>,
    /// Set where the target is taken for a usual one: then nothing of it was looked at.
    usual: Option<Unmapped>,
    files: Vec<(NamespaceFd, Namespace)>,
    inside: Inside,
    followed: Followed,
}

impl Joined {
    /// Opens what `request` names.
    pub(crate) fn open(request: Request<'_>, target: Option<Arc<OwnedFd>>) -> Result<Self, Error> {
        let files = request.files()?;
        let (inside, followed) = (Inside::default(), Followed::default());
        let Some((pidfd, (_, kinds))) = target.zip(request.join.target.as_ref()) else {
            return Ok(Self { target: None, usual: None, files, inside, followed });
        };
        let folder = Folder::open(request.proc, &pidfd);
        let folder = folder.as_ref();
        let kinds = request.unshared(&pidfd, folder, *kinds)?;
        let followed = request.followed(&pidfd, folder)?;
        let enters_user = kinds.contains(NamespaceFlags::USER);
        let inside = folder.filter(|_| enters_user).map_or(inside, Inside::read);
        Ok(Self { target: Some((pidfd, kinds)), usual: None, files, inside, followed })
    }

    /// Opens the target alone, and takes it for a usual one; `None` where that is no use.
    ///
    /// Whether a time namespace is entered has to be known: that decides how memory is had.
    pub(crate) fn usual(
        request: Request<'_>,
        target: Option<Arc<OwnedFd>>,
    ) -> Result<Option<Self>, Error> {
        let target = target.zip(request.join.target.as_ref());
        let known = target.zip(usual::unmapped(request.proc));
        let Some(((pidfd, (_, kinds)), unmapped)) = known else { return Ok(None) };
        let time = *kinds & NamespaceFlags::TIME;
        if !time.is_empty() {
            let folder = Folder::open(request.proc, &pidfd);
            if !request.unshared(&pidfd, folder.as_ref(), time)?.is_empty() {
                return Ok(None);
            }
        }
        let kinds = *kinds - time;
        Ok((!kinds.is_empty()).then(|| Self {
            target: Some((pidfd, kinds)),
            usual: Some(unmapped),
            files: Vec::new(),
            inside: Inside::default(),
            followed: Followed::default(),
        }))
    }

    /// Whether a start that took the target for a usual one failed because it is not, or because that cannot be
    /// seen here; then nobody tries again.
    pub(crate) fn is_unusual(error: &Error) -> bool {
        match error.step() {
            Step::Join => {
                usual::note(error.errno());
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
    pub(crate) fn explained(&self, request: Request<'_>, error: Error) -> Error {
        let by_its_end = match error.errno() {
            None => error.step() == Step::Exec && self.target_ends(),
            Some(Errno::SRCH) => error.step() == Step::Join && self.target.is_some(),
            Some(Errno::NOMEM) => error.step() == Step::Clone && self.target_ends(),
            Some(_) => false,
        };
        if by_its_end { request.gone() } else { error }
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
        files.chain(self.followed.opened()).map(|file| file.as_raw_fd())
    }

    /// What who enters is told.
    pub(crate) fn child<'a>(&'a self, files: &'a [(BorrowedFd<'a>, Namespace)]) -> Join<'a> {
        let target = self.target.as_ref().filter(|(_, kinds)| !kinds.is_empty());
        let target = target.map(|(pidfd, kinds)| (pidfd.as_fd(), *kinds));
        Join { target, usual: self.usual, files }
    }

    /// The ids with which the child goes on.
    pub(crate) fn ids<'a>(&self, ids: Ids<'a>, asks_for_groups: bool) -> Ids<'a> {
        self.inside.ids(ids, asks_for_groups)
    }

    /// Where the child goes.
    pub(crate) fn follow(&self) -> Option<Follow<'_>> {
        self.followed.child()
    }

    /// The most that the child may do, if it is the target's measure.
    pub(crate) fn limited(&self) -> Option<Limited> {
        self.followed.privileges
    }

    /// Moves the child into the target's cgroups, if that is wished. Its `number` is asked for each time.
    pub(crate) fn move_to_cgroups(
        &self,
        request: Request<'_>,
        number: impl Fn() -> Result<u32, Error>,
    ) -> Result<(), Error> {
        self.followed.cgroups.take(request, number)
    }
}
