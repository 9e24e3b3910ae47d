//! Errors of opening a target.

use std::format;
use std::os::fd::{AsFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::string::ToString;

use ns_sys::child::is_readable;
use ns_sys::{Errno, Namespace};

use super::TargetSpec;
use crate::error::Error;
use crate::hint;
use crate::settings::Target;
use crate::step::Step;

/// The hint for a caller that has `CAP_SYS_PTRACE` and still may not inspect the target.
const FOREIGN: &str = "the caller has CAP_SYS_PTRACE, but not over the target: the target is in a user \
                       namespace outside the caller's own, or a security module forbids the access";

impl TargetSpec<'_> {
    pub(super) fn error(self, step: Step) -> Error {
        Error::new(self.name, step)
    }

    pub(super) fn target_name(self) -> String {
        self.join.target.as_ref().map_or_else(String::new, ToString::to_string)
    }

    /// The error if the target's pidfd cannot be opened.
    pub(crate) fn open_error(self, errno: Errno) -> Error {
        let step = if errno == Errno::SRCH { Step::TargetGone } else { Step::Prepare };
        let id = self.join.target.as_ref().and_then(Target::id);
        let process = id.and_then(|id| hint::machine::process_of_thread(self.proc, id));
        let hint = match (errno, process) {
            (Errno::INVAL | Errno::NOENT | Errno::SRCH, Some(process)) => {
                Some(format!("it is a thread of process {process}: give the ID of the process"))
            }
            (Errno::SRCH, None) => Some("no process has this ID".to_owned()),
            (errno, _) => hint::for_descriptors(errno).map(ToOwned::to_owned),
        };
        self.error(step).with_errno(errno).with_object(self.target_name()).with_hint(hint)
    }

    /// The error if a namespace of the target cannot be inspected.
    pub(crate) fn inspect_error(self, pidfd: &OwnedFd, kind: Namespace, errno: Errno) -> Error {
        let needs = "the target belongs to another user, has more capabilities, or may not be \
                     traced: joining its namespaces needs CAP_SYS_PTRACE over it";
        self.target_error(Step::Join, pidfd, &format!("the {kind} namespace"), errno, needs)
    }

    /// The error if something of the target cannot be read or opened.
    pub(super) fn read_error(self, pidfd: &OwnedFd, what: &str, errno: Errno) -> Error {
        let needs = "the caller may not read it: that needs CAP_SYS_PTRACE over the target";
        self.target_error(Step::Prepare, pidfd, what, errno, needs)
    }

    /// The error of `step`, unless the target has exited. `needs` is the hint if a permission is missing.
    fn target_error(
        self,
        step: Step,
        pidfd: &OwnedFd,
        what: &str,
        errno: Errno,
        needs: &'static str,
    ) -> Error {
        if errno == Errno::SRCH || is_readable(pidfd.as_fd()) == Ok(true) {
            return self.gone();
        }
        let object = format!("{what} of {}", self.target_name());
        let hint = match errno {
            Errno::PERM | Errno::ACCESS if hint::machine::has_sys_ptrace() => Some(FOREIGN),
            Errno::PERM | Errno::ACCESS => Some(needs),
            errno => hint::for_descriptors(errno),
        };
        self.error(step).with_errno(errno).with_object(object).with_hint(hint)
    }

    /// The error if the target has exited.
    pub(super) fn gone(self) -> Error {
        let error = self.error(Step::TargetGone).with_errno(Errno::SRCH);
        error.with_object(self.target_name()).with_hint(Some("the process has exited"))
    }
}
