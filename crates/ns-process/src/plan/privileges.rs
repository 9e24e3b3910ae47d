//! What the program may do: capabilities, `no_new_privs`, a seccomp filter, a label.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::child::BpfInstruction;

use crate::builder::Privileges as Wish;
use crate::in_child;

/// What the child will give up.
#[derive(Debug)]
pub(crate) struct Privileges {
    no_new_privs: bool,
    filter: Option<Vec<BpfInstruction>>,
}

impl Privileges {
    /// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
    pub(super) fn new(wish: &Wish) -> Result<Self, String> {
        Ok(Self { no_new_privs: wish.no_new_privs, filter: wish.filter.clone() })
    }

    pub(crate) fn child(&self) -> in_child::Privileges<'_> {
        in_child::Privileges { no_new_privs: self.no_new_privs, filter: self.filter.as_deref() }
    }

    pub(super) fn describe_no_new_privs(&self) -> impl Iterator<Item = String> {
        self.no_new_privs.then(|| "prctl(PR_SET_NO_NEW_PRIVS)".to_owned()).into_iter()
    }

    /// A filter that cannot wait until the capabilities are gone.
    pub(super) fn describe_early(&self) -> impl Iterator<Item = String> {
        self.filter_line().filter(|_| !self.no_new_privs).into_iter()
    }

    pub(super) fn describe_last(&self) -> impl Iterator<Item = String> {
        self.filter_line().filter(|_| self.no_new_privs).into_iter()
    }

    fn filter_line(&self) -> Option<String> {
        let filter = self.filter.as_ref()?;
        Some(format!("seccomp(SECCOMP_SET_MODE_FILTER, {} instructions)", filter.len()))
    }
}
