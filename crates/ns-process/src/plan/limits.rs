//! Resource limits, niceness and the file mode mask.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::child::Mode;

use crate::builder::Limits as Wish;
use crate::in_child::{self, Limit};

/// What the child will set.
#[derive(Debug)]
pub(crate) struct Limits {
    no_core: Option<Limit>,
    core: Option<Limit>,
    limits: Vec<Limit>,
    nice: Option<i32>,
    umask: Option<Mode>,
}

impl Limits {
    /// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
    pub(super) fn new(wish: &Wish) -> Result<Self, String> {
        Ok(Self {
            no_core: None,
            core: None,
            limits: Vec::new(),
            nice: wish.nice,
            umask: wish.umask.map(Mode::from_raw_mode),
        })
    }

    pub(crate) fn child(&self) -> in_child::Limits<'_> {
        in_child::Limits {
            no_core: self.no_core,
            core: self.core,
            limits: &self.limits,
            nice: self.nice,
            umask: self.umask,
        }
    }

    pub(super) fn describe_no_core(&self) -> impl Iterator<Item = String> {
        self.no_core.as_ref().map(line).into_iter()
    }

    pub(super) fn describe(&self) -> impl Iterator<Item = String> {
        let nice = self.nice.map(|nice| format!("setpriority({nice})"));
        let umask = self.umask.map(|mask| format!("umask({:#o})", mask.bits()));
        self.limits.iter().map(line).chain(nice).chain(umask)
    }

    pub(super) fn describe_core(&self) -> impl Iterator<Item = String> {
        self.core.as_ref().map(line).into_iter()
    }
}

fn line(limit: &Limit) -> String {
    format!("prlimit({}, {}, {})", limit.resource, limit.soft, limit.hard)
}
