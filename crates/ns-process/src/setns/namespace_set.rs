//! The namespaces to join.

use std::format;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::NamespaceFd;

use crate::error::Error;
use crate::hint;
use crate::in_child::Report;
use crate::settings::{IntoNamespaces, Join, JoinFile, Seal, Target};
use crate::step::Step;
use crate::target::TargetSpec;

/// Namespaces of one process, or single namespaces.
#[derive(Debug)]
pub(crate) struct NamespaceSet {
    /// The operation, in error messages.
    name: &'static str,
    join: Join,
}

impl NamespaceSet {
    /// Namespaces of a process, which is held by a pidfd from here on, so that its process ID cannot be reused.
    pub(crate) fn of_target<Marker>(
        name: &'static str,
        target: Target,
        kinds: impl IntoNamespaces<Marker>,
    ) -> Result<Self, Error> {
        let mut set = Self { name, join: Join::default() };
        let kinds = kinds.into_flags(Seal(())).map_err(|message| set.invalid(message))?;
        if let Some(message) = target.invalid() {
            return Err(set.invalid(message.to_owned()));
        }
        set.join.target_kinds = kinds;
        set.join.target = Some(target.clone());
        let held = target.hold().map_err(|errno| set.spec().open_error(errno))?;
        set.join.target = Some(held);
        set.non_empty()
    }

    /// Single namespaces, each of another kind.
    pub(crate) fn of_fds(
        name: &'static str,
        namespaces: impl IntoIterator<Item = NamespaceFd>,
    ) -> Result<Self, Error> {
        let mut set = Self { name, join: Join::default() };
        for namespace in namespaces {
            let kind = namespace.kind().map_err(|errno| {
                let object = "the kind of a namespace";
                Error::new(name, Step::Prepare).with_errno(errno).with_object(object)
            })?;
            if set.join.kinds().contains(kind.flag()) {
                return Err(set.invalid(format!("{kind} is given twice")));
            }
            set.join.files.push((kind, JoinFile::Open(Arc::new(namespace.into()))));
        }
        set.non_empty()
    }

    fn non_empty(self) -> Result<Self, Error> {
        if self.join.kinds().is_empty() {
            return Err(self.invalid("no namespace is named".to_owned()));
        }
        Ok(self)
    }

    pub(crate) fn spec(&self) -> TargetSpec<'_> {
        TargetSpec { name: self.name, proc: Path::new("/proc"), join: &self.join }
    }

    pub(crate) fn invalid(&self, message: String) -> Error {
        Error::new(self.name, Step::Check).with_object(message)
    }

    /// The error of a step that failed.
    pub(crate) fn failed(&self, report: Report) -> Error {
        Error::new(self.name, report.step)
            .with_errno(report.errno)
            .with_object(self.join.object(report.index))
            .with_hint(hint::for_step(report.step, report.errno))
    }
}
