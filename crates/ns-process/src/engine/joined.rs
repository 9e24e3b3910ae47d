//! What is entered, opened before the clone: inside, its files may be out of reach or another's.

use std::format;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_idmap::{GidMap, UidMap};
use ns_sys::child::is_readable;
use ns_sys::{Errno, Namespace, NamespaceFd, NamespaceFlags};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::retry_on_intr;
use rustix::process::{getegid, geteuid};

use super::folder::number_of;
use crate::builder::JoinFile;
use crate::error::Error;
use crate::hint;
use crate::in_child::{Ids, Join};
use crate::plan::Plan;
use crate::process::LONG_ENOUGH;
use crate::step::Step;

/// Open namespaces, those that the caller is in already left out.
pub(super) struct Joined {
    target: Option<(Arc<OwnedFd>, NamespaceFlags)>,
    files: Vec<(NamespaceFd, Namespace)>,
    /// Whether the child has to become 0 inside: its own uid, its own gid, has no mapping there.
    zero: (bool, bool),
}

impl Joined {
    /// Opens what `plan` names.
    pub(super) fn open(plan: &Plan) -> Result<Self, Error> {
        let mut joined = Self { target: None, files: Vec::new(), zero: (false, false) };
        let target = plan.join.target.as_ref();
        joined.target = target
            .map(|(target, kinds)| {
                let pidfd = target.open().map_err(|errno| unopened(plan, errno))?;
                let kinds = unshared(plan, &pidfd, *kinds)?;
                Ok((pidfd, kinds))
            })
            .transpose()?;
        for (kind, file) in &plan.join.files {
            let namespace = open_file(plan, *kind, file)?;
            if !is_own(plan, *kind, &namespace)? {
                joined.files.push((namespace, *kind));
            }
        }
        joined.zero = joined.becomes_zero(plan);
        Ok(joined)
    }

    /// Every kind that will be entered.
    pub(super) fn kinds(&self) -> NamespaceFlags {
        let of_target = self.target.as_ref().map_or(NamespaceFlags::empty(), |(_, kinds)| *kinds);
        self.files.iter().fold(of_target, |kinds, (_, kind)| kinds | kind.flag())
    }

    /// `error`, or that the target has ended, if that is what it comes from: the child is killed with
    /// the pid namespace that it entered, or cannot be made there any more.
    pub(super) fn explained(&self, plan: &Plan, error: Error) -> Error {
        let by_its_end = match error.errno() {
            None => error.step() == Step::Exec && self.target_ends(),
            Some(Errno::SRCH) => error.step() == Step::Join && plan.join.target.is_some(),
            Some(Errno::NOMEM) => error.step() == Step::Clone && self.target_ends(),
            Some(_) => false,
        };
        if by_its_end { gone(plan) } else { error }
    }

    /// Whether the target has ended, or is just about to: the end of a pid namespace takes a moment.
    fn target_ends(&self) -> bool {
        self.target.as_ref().is_some_and(|(pidfd, _)| {
            let mut end = [PollFd::new(pidfd, PollFlags::IN)];
            retry_on_intr(|| poll(&mut end, Some(&LONG_ENOUGH))).is_ok_and(|count| count == 1)
        })
    }

    /// The files, as the child takes them.
    pub(super) fn borrowed_files(&self) -> Vec<(BorrowedFd<'_>, Namespace)> {
        self.files.iter().map(|(file, kind)| (file.as_fd(), *kind)).collect()
    }

    /// What the child is told.
    pub(super) fn child<'a>(&'a self, files: &'a [(BorrowedFd<'a>, Namespace)]) -> Join<'a> {
        let target = self.target.as_ref().filter(|(_, kinds)| !kinds.is_empty());
        Join { target: target.map(|(pidfd, kinds)| (pidfd.as_fd(), *kinds)), files }
    }

    /// The ids with which the child goes on.
    pub(super) fn ids<'a>(&self, ids: Ids<'a>) -> Ids<'a> {
        let (uid, gid) = self.zero;
        Ids { zero_uid: ids.zero_uid || uid, zero_gid: ids.zero_gid || gid, ..ids }
    }

    /// As for maps of its own: files of an id without a mapping cannot be made. What cannot be read
    /// does not become 0.
    fn becomes_zero(&self, plan: &Plan) -> (bool, bool) {
        let Some((pidfd, kinds)) = &self.target else { return (false, false) };
        if !kinds.contains(NamespaceFlags::USER) {
            return (false, false);
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = pid_of(plan, pidfd)
            .and_then(|pid| openat(CWD, plan.maps.proc.join(pid), flags, Mode::empty()).ok());
        let Some(folder) = folder.filter(|_| is_readable(pidfd.as_fd()) == Ok(false)) else {
            return (false, false);
        };
        let uids = UidMap::read(&folder).ok().flatten();
        let gids = GidMap::read(&folder).ok().flatten();
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        (
            uids.is_some_and(|map| map.to_inside(uid).is_none() && map.contains(0)),
            gids.is_some_and(|map| map.to_inside(gid).is_none() && map.contains(0)),
        )
    }
}

/// The id of the process in the caller's proc.
fn pid_of(plan: &Plan, pidfd: &OwnedFd) -> Option<String> {
    number_of(&plan.maps.proc, pidfd).ok().map(|number| number.to_string())
}

/// Those of `kinds` in which the caller is not: to enter one's own user namespace is an error, and for
/// the others permission may be missing.
fn unshared(plan: &Plan, pidfd: &OwnedFd, kinds: NamespaceFlags) -> Result<NamespaceFlags, Error> {
    let mut left = NamespaceFlags::empty();
    for kind in kinds.kinds() {
        match of_target(plan, pidfd, kind) {
            Ok(Some(namespace)) if is_own(plan, kind, &namespace)? => {}
            Ok(None) => {}
            Ok(Some(_)) => left |= kind.flag(),
            Err(errno) => return Err(untold(plan, pidfd, kind, errno)),
        }
    }
    Ok(left)
}

/// A namespace of the target; `None` where the kernel has no such kind.
fn of_target(plan: &Plan, pidfd: &OwnedFd, kind: Namespace) -> Result<Option<NamespaceFd>, Errno> {
    match NamespaceFd::from_pidfd(pidfd, kind) {
        Ok(namespace) => Ok(Some(namespace)),
        Err(Errno::OPNOTSUPP) => Ok(None),
        // Before Linux 6.11.
        Err(Errno::NOTTY | Errno::INVAL) => {
            let pid = pid_of(plan, pidfd).ok_or(Errno::SRCH)?;
            open(plan, &format!("{pid}/ns/{}", kind.name())).map(Some)
        }
        Err(errno) => Err(errno),
    }
}

fn is_own(plan: &Plan, kind: Namespace, other: &NamespaceFd) -> Result<bool, Error> {
    let own = open(plan, &format!("thread-self/ns/{}", kind.name())).and_then(|own| own.id());
    let same = own.and_then(|own| Ok(own == other.id()?));
    same.map_err(|errno| {
        let object = format!("the caller's own {kind} namespace");
        Error::new(&plan.name, Step::Prepare).with_errno(errno).with_object(object)
    })
}

fn open(plan: &Plan, path: &str) -> Result<NamespaceFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    openat(CWD, plan.maps.proc.join(path), flags, Mode::empty()).and_then(NamespaceFd::new)
}

fn open_file(plan: &Plan, kind: Namespace, file: &JoinFile) -> Result<NamespaceFd, Error> {
    let (object, opened) = match file {
        JoinFile::Path(path) => {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            let opened = openat(CWD, path, flags, Mode::empty()).and_then(NamespaceFd::new);
            (path.display().to_string(), opened)
        }
        JoinFile::Open(fd) => {
            let opened = rustix::io::fcntl_dupfd_cloexec(fd, 3).and_then(NamespaceFd::new);
            ("the descriptor of a namespace".to_owned(), opened)
        }
    };
    let refused = |errno, hint: Option<String>| {
        let error = Error::new(&plan.name, Step::Prepare).with_errno(errno);
        error.with_object(format!("{object}, for {kind}")).with_hint(hint)
    };
    let namespace = opened.map_err(|errno| {
        let none = (errno == Errno::NOTTY).then_some("it is no namespace");
        refused(errno, none.or(hint::for_descriptors(errno)).map(ToOwned::to_owned))
    })?;
    match namespace.kind() {
        Ok(is) if is == kind => Ok(namespace),
        Ok(is) => Err(refused(Errno::INVAL, Some(format!("it is a {is} namespace")))),
        Err(errno) => Err(refused(errno, None)),
    }
}

fn name(plan: &Plan) -> String {
    plan.join.target.as_ref().map_or_else(String::new, |(target, _)| target.name())
}

fn unopened(plan: &Plan, errno: Errno) -> Error {
    let step = if errno == Errno::SRCH { Step::TargetGone } else { Step::Prepare };
    let hint = match errno {
        Errno::INVAL => Some("0 is no process"),
        errno => hint::for_descriptors(errno),
    };
    Error::new(&plan.name, step).with_errno(errno).with_object(name(plan)).with_hint(hint)
}

/// Why the target's namespace cannot even be looked at.
fn untold(plan: &Plan, pidfd: &OwnedFd, kind: Namespace, errno: Errno) -> Error {
    if errno == Errno::SRCH || is_readable(pidfd.as_fd()) == Ok(true) {
        return gone(plan);
    }
    let object = format!("the {kind} namespace of {}", name(plan));
    let hint = match errno {
        Errno::PERM | Errno::ACCESS => Some(
            "the target belongs to another user, has more capabilities, or may not be traced: \
             entering it needs CAP_SYS_PTRACE over it",
        ),
        errno => hint::for_descriptors(errno),
    };
    Error::new(&plan.name, Step::Join).with_errno(errno).with_object(object).with_hint(hint)
}

/// The error of a target that has ended.
fn gone(plan: &Plan) -> Error {
    let error = Error::new(&plan.name, Step::TargetGone).with_errno(Errno::SRCH);
    error.with_object(name(plan)).with_hint(Some("it has ended"))
}
