//! What is entered, as it was asked for.

use std::format;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{NamespaceFd, NamespaceFlags};

use crate::builder::{JoinFile, NamespaceName};
use crate::error::Error;
use crate::hint;
use crate::in_child::Report;
use crate::joined::Request;
use crate::plan::Join;
use crate::step::Step;
use crate::target::Target;

/// Namespaces of one process, or single ones.
#[derive(Debug)]
pub(crate) struct Entry {
    /// In messages.
    name: &'static str,
    join: Join,
}

impl Entry {
    /// Of a process, which is held from here on: its number cannot come to mean another one.
    pub(crate) fn of_target<Kinds>(
        name: &'static str,
        target: Target,
        kinds: Kinds,
    ) -> Result<Self, Error>
    where
        Kinds: IntoIterator<Item: NamespaceName>,
    {
        let mut entry = Self { name, join: Join::default() };
        let kinds: Result<NamespaceFlags, String> =
            kinds.into_iter().map(NamespaceName::flags).collect();
        let kinds = kinds.map_err(|said| entry.mistake(said))?;
        if let Some(said) = target.mistake() {
            return Err(entry.mistake(said.to_owned()));
        }
        entry.join.target = Some((target.clone(), kinds));
        let held = target.hold().map_err(|errno| entry.request().unopened(errno))?;
        entry.join.target = Some((held, kinds));
        entry.of_any()
    }

    /// Single ones, each of another kind.
    pub(crate) fn of_fds(
        name: &'static str,
        namespaces: impl IntoIterator<Item = NamespaceFd>,
    ) -> Result<Self, Error> {
        let mut entry = Self { name, join: Join::default() };
        for namespace in namespaces {
            let kind = namespace.kind().map_err(|errno| {
                let object = "the kind of a namespace";
                Error::new(name, Step::Prepare).with_errno(errno).with_object(object)
            })?;
            if entry.join.kinds().contains(kind.flag()) {
                return Err(entry.mistake(format!("{kind} is given twice")));
            }
            entry.join.files.push((kind, JoinFile::Open(Arc::new(namespace.into()))));
        }
        entry.of_any()
    }

    fn of_any(self) -> Result<Self, Error> {
        if self.join.kinds().is_empty() {
            return Err(self.mistake("no namespace is named".to_owned()));
        }
        Ok(self)
    }

    pub(crate) fn kinds(&self) -> NamespaceFlags {
        self.join.kinds()
    }

    pub(crate) fn request(&self) -> Request<'_> {
        Request { name: self.name, proc: Path::new("/proc"), join: &self.join }
    }

    pub(crate) fn mistake(&self, said: String) -> Error {
        Error::new(self.name, Step::Check).with_object(said)
    }

    /// What the step was about that could not be made.
    pub(crate) fn failed(&self, report: Report) -> Error {
        Error::new(self.name, report.step)
            .with_errno(report.errno)
            .with_object(self.join.object(report.index))
            .with_hint(hint::for_step(report.step, report.errno))
    }
}
