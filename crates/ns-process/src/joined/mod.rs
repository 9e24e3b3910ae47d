//! What is entered, opened before that: inside, its files may be out of reach or another's.

mod error;
mod file;
mod folder;
mod ids;
mod namespaces;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{Errno, Namespace, NamespaceFd, NamespaceFlags};

use crate::error::Error;
use crate::in_child::{Ids, Join};
use crate::plan;
use crate::process::{LONG_ENOUGH, is_readable_within};
use crate::step::Step;
use folder::Folder;
use ids::Inside;

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
    files: Vec<(NamespaceFd, Namespace)>,
    inside: Inside,
}

impl Joined {
    /// Opens what `request` names.
    pub(crate) fn open(request: Request<'_>) -> Result<Self, Error> {
        let target = request.join.target.as_ref();
        let target = target.map(|(_, kinds)| {
            let pidfd = request.pidfd()?;
            let kinds = request.unshared(&pidfd, *kinds)?;
            Ok((pidfd, kinds))
        });
        let target = target.transpose()?;
        let files = request.files()?;
        let inside = match &target {
            Some((pidfd, kinds)) if kinds.contains(NamespaceFlags::USER) => {
                Folder::open(request.proc, pidfd).map(|folder| Inside::read(&folder))
            }
            _ => None,
        };
        Ok(Self { target, files, inside: inside.unwrap_or_default() })
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

    /// The descriptors of single namespaces, by number.
    pub(crate) fn opened(&self) -> impl Iterator<Item = RawFd> {
        self.files.iter().map(|(file, _)| file.as_fd().as_raw_fd())
    }

    /// What who enters is told.
    pub(crate) fn child<'a>(&'a self, files: &'a [(BorrowedFd<'a>, Namespace)]) -> Join<'a> {
        let target = self.target.as_ref().filter(|(_, kinds)| !kinds.is_empty());
        Join { target: target.map(|(pidfd, kinds)| (pidfd.as_fd(), *kinds)), files }
    }

    /// The ids with which the child goes on.
    pub(crate) fn ids<'a>(&self, ids: Ids<'a>) -> Ids<'a> {
        self.inside.ids(ids)
    }
}
