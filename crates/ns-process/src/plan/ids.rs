//! Who the program is, inside, and what it takes to be that.

use std::format;
use std::prelude::rust_2024::*;

use crate::builder::Ids as Wish;
use crate::in_child;

/// What the child will become.
#[derive(Debug)]
pub(crate) struct Ids {
    groups: Option<Vec<u32>>,
    gid: Option<u32>,
    uid: Option<u32>,
}

impl Ids {
    /// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
    pub(super) fn new(wish: &Wish) -> Result<Self, String> {
        Ok(Self { groups: wish.groups.clone(), gid: wish.gid, uid: wish.uid })
    }

    pub(crate) fn child(&self) -> in_child::Ids<'_> {
        in_child::Ids {
            zero_gid: false,
            zero_uid: false,
            groups: self.groups.as_deref(),
            gid: self.gid,
            uid: self.uid,
        }
    }

    /// Its system calls right after the maps hold.
    pub(super) fn describe_zero(&self) -> impl Iterator<Item = String> {
        let zero = self.child();
        let gid = zero.zero_gid.then(|| "setresgid(0)".to_owned());
        gid.into_iter().chain(zero.zero_uid.then(|| "setresuid(0)".to_owned()))
    }

    /// Those that make it what was asked for.
    pub(super) fn describe(&self) -> impl Iterator<Item = String> {
        let groups = self.groups.as_ref().map(|groups| format!("setgroups({groups:?})"));
        let gid = self.gid.map(|gid| format!("setresgid({gid})"));
        let uid = self.uid.map(|uid| format!("setresuid({uid})"));
        groups.into_iter().chain(gid).chain(uid)
    }
}
