//! Namespaces of others that are entered.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::{Namespace, NamespaceFlags};

use crate::builder::{Join as Wish, JoinFile};
use crate::target::Target;

/// What a start will open, and the child enter.
#[derive(Debug, Default)]
pub(crate) struct Join {
    /// The process, and which of its namespaces, those that are the caller's too among them.
    pub(crate) target: Option<(Target, NamespaceFlags)>,
    pub(crate) files: Vec<(Namespace, JoinFile)>,
}

impl Join {
    /// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
    pub(super) fn new(wish: &Wish, selected: NamespaceFlags) -> Result<Self, String> {
        let by_file: NamespaceFlags = wish.files.iter().map(|(kind, _)| *kind).collect();
        let Some(target) = &wish.target else {
            return Self::beside_new(wish, by_file, selected);
        };
        if let Some(said) = target.mistake() {
            return Err(format!("target: {said}"));
        }
        let all = selected.is_empty() && by_file.is_empty();
        let selected = if all { Namespace::ALL.into_iter().collect() } else { selected };
        let of_target = selected - wish.without - by_file;
        Ok(Self { target: Some((target.clone(), of_target)), files: wish.files.clone() })
    }

    fn beside_new(
        wish: &Wish,
        joined: NamespaceFlags,
        new: NamespaceFlags,
    ) -> Result<Self, String> {
        if let Some(kind) = (joined & (new - NamespaceFlags::PID)).kinds().next() {
            return Err(format!("join_namespace: {kind} is to be new too"));
        }
        Ok(Self { target: None, files: wish.files.clone() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.target.is_none() && self.files.is_empty()
    }

    /// All kinds, as far as a plan knows.
    pub(crate) fn kinds(&self) -> NamespaceFlags {
        let of_target = self.target.as_ref().map_or(NamespaceFlags::empty(), |(_, kinds)| *kinds);
        self.files.iter().fold(of_target, |kinds, (kind, _)| kinds | kind.flag())
    }

    /// What could not be entered: one kind, by its number, or all at once.
    pub(crate) fn object(&self, index: u32) -> String {
        let target = self.target.as_ref();
        let of = target.map_or_else(String::new, |(target, _)| format!(" of {}", target.name()));
        match Namespace::ALL.into_iter().find(|kind| *kind as u32 == index) {
            Some(kind) => format!("the {kind} namespace{of}"),
            None => format!("{}{of}", self.kinds()),
        }
    }

    /// What is opened, before the clone.
    pub(super) fn describe_opening(&self) -> impl Iterator<Item = String> {
        let target = self.target.iter().map(|(target, _)| format!("pidfd_open({})", target.name()));
        target.chain(self.files.iter().map(|(kind, file)| match file {
            JoinFile::Path(path) => format!("open({}), a {kind} namespace", path.display()),
            JoinFile::Open(_) => format!("ioctl(NS_GET_NSTYPE) of a {kind} namespace"),
        }))
    }

    /// The joins; what the caller is in already is left out by the start.
    pub(super) fn describe(&self) -> impl Iterator<Item = String> {
        let target = self.target.iter().map(|(_, kinds)| format!("setns(pidfd, {kinds})"));
        target.chain(self.files.iter().map(|(kind, _)| format!("setns({kind})")))
    }
}
