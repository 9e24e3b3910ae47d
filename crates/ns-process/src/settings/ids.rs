//! Who the program is: user, group and supplementary groups.

use std::format;
use std::prelude::rust_2024::*;

use ns_idmap::{IdKind, IdMap, Setgroups};
use ns_sys::NamespaceFlags;

use super::Builder;
use super::caller::Caller;
use super::maps::Maps;
use crate::in_child;

/// What was asked for; ids are those inside.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdConfig {
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) groups: Option<Vec<u32>>,
}

impl<Kind> Builder<Kind> {
    /// The user id of the program, inside: real, effective and saved.
    ///
    /// By default it is the caller's, as the new user namespace shows it; where the caller's has no
    /// mapping there and 0 has one, it is 0. An id that a map given here does not hold is refused.
    ///
    /// # Errors
    /// [`Step::Uid`](crate::Step::Uid): `EPERM`, needs `CAP_SETUID`, which a new user namespace gives;
    /// `EINVAL`, no mapping.
    ///
    /// # References
    /// setresuid(2).
    pub fn uid(&mut self, uid: u32) -> &mut Self {
        self.ids.uid = Some(uid);
        self
    }

    /// The group id of the program, inside: as [`uid`](Self::uid).
    ///
    /// # Errors
    /// As for [`uid`](Self::uid), of [`Step::Gid`](crate::Step::Gid).
    ///
    /// # References
    /// setresgid(2).
    pub fn gid(&mut self, gid: u32) -> &mut Self {
        self.ids.gid = Some(gid);
        self
    }

    /// The supplementary groups of the program, inside.
    ///
    /// By default the caller's; none, as with std's `Command`, where a caller who may drop them starts a
    /// program as another user, by [`uid`](Self::uid) or by a map that does not hold the caller's own.
    ///
    /// # Errors
    /// [`Step::Groups`](crate::Step::Groups), `EPERM`: needs `CAP_SETGID`, and a user namespace that does
    /// not deny setgroups, as one does that an unprivileged caller mapped by itself.
    ///
    /// # References
    /// setgroups(2), user_namespaces(7).
    pub fn groups(&mut self, groups: impl IntoIterator<Item = u32>) -> &mut Self {
        self.ids.groups = Some(groups.into_iter().collect());
        self
    }

    /// The user id, if one is set.
    pub fn get_uid(&self) -> Option<u32> {
        self.ids.uid
    }

    /// The group id, if one is set.
    pub fn get_gid(&self) -> Option<u32> {
        self.ids.gid
    }

    /// The supplementary groups, if they are set.
    pub fn get_groups(&self) -> Option<&[u32]> {
        self.ids.groups.as_deref()
    }
}

/// What the child will become, without the calls that would change nothing.
#[derive(Debug)]
pub(crate) struct Ids {
    zero_gid: bool,
    zero_uid: bool,
    groups: Option<Vec<u32>>,
    gid: Option<u32>,
    uid: Option<u32>,
    /// Whether the groups were asked for, and are not left by default.
    asks_for_groups: bool,
}

impl Ids {
    /// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
    pub(crate) fn new(
        config: &IdConfig,
        maps: &Maps,
        namespaces: NamespaceFlags,
        joined: NamespaceFlags,
        caller: &Caller,
    ) -> Result<Self, String> {
        let new_user = namespaces.contains(NamespaceFlags::USER);
        let uids = maps.uid.as_ref().map(|way| &way.map);
        let gids = maps.gid.as_ref().map(|way| &way.map);
        if new_user {
            mapped("uid", uids, config.uid)?;
            mapped("gid", gids, config.gid)?;
            for group in config.groups.iter().flatten() {
                mapped("groups", gids, Some(*group))?;
            }
        }
        if config.groups.is_some() && new_user && maps.setgroups == Setgroups::Deny {
            return Err(
                "groups: setgroups(2) is denied where the caller maps its own gid".to_owned()
            );
        }
        let (zero_uid, zero_gid) =
            (becomes_zero(uids, || caller.euid()), becomes_zero(gids, || caller.egid()));
        // In a user namespace that is entered the caller's own ids have other numbers.
        let enters_user = joined.contains(NamespaceFlags::USER);
        let holds = |map_says: Option<bool>, own: bool| {
            if new_user { map_says == Some(true) } else { own && !enters_user }
        };
        let holds_uid = |uid| {
            let is =
                uids.map(|map| zero_uid && uid == 0 || map.to_inside(caller.euid()) == Some(uid));
            holds(is, caller.is_user(uid))
        };
        let holds_gid = |gid| {
            let is =
                gids.map(|map| zero_gid && gid == 0 || map.to_inside(caller.egid()) == Some(gid));
            holds(is, caller.is_group(gid))
        };
        let uid = config.uid.filter(|uid| !holds_uid(*uid));
        // Another user with the caller's groups may do what the caller's groups may.
        let possible = !new_user || gids.is_some() && maps.setgroups != Setgroups::Deny;
        let drops = possible && (uid.is_some() || zero_uid) && caller.may_drop_groups();
        Ok(Self {
            zero_gid,
            zero_uid,
            groups: config.groups.clone().or(drops.then(Vec::new)),
            gid: config.gid.filter(|gid| !holds_gid(*gid)),
            uid,
            asks_for_groups: config.groups.is_some(),
        })
    }

    pub(crate) fn change_anything(&self) -> bool {
        let Self { zero_gid, zero_uid, groups, gid, uid, .. } = self;
        *zero_gid || *zero_uid || groups.is_some() || gid.is_some() || uid.is_some()
    }

    pub(crate) fn child(&self) -> in_child::Ids<'_> {
        in_child::Ids {
            zero_gid: self.zero_gid,
            zero_uid: self.zero_uid,
            groups: self.groups.as_deref(),
            gid: self.gid,
            uid: self.uid,
        }
    }

    pub(crate) fn asks_for_groups(&self) -> bool {
        self.asks_for_groups
    }

    /// The uid that the program has at the end, if it is not the one that it began with.
    pub(crate) fn last_uid(&self) -> Option<u32> {
        self.uid
    }

    /// Its system calls right after the maps hold.
    pub(crate) fn describe_zero(&self) -> impl Iterator<Item = String> {
        let gid = self.zero_gid.then(|| "setresgid(0)".to_owned());
        gid.into_iter().chain(self.zero_uid.then(|| "setresuid(0)".to_owned()))
    }

    /// Those that make it what was asked for.
    pub(crate) fn describe(&self) -> impl Iterator<Item = String> {
        let groups = self.groups.as_ref().map(|groups| format!("setgroups({groups:?})"));
        let gid = self.gid.map(|gid| format!("setresgid({gid})"));
        let uid = self.uid.map(|uid| format!("setresuid({uid})"));
        groups.into_iter().chain(gid).chain(uid)
    }
}

fn mapped<K: IdKind>(setter: &str, map: Option<&IdMap<K>>, id: Option<u32>) -> Result<(), String> {
    let Some(id) = id else { return Ok(()) };
    match map {
        None => Err(format!("{setter}: {id} has no mapping, nothing is mapped")),
        Some(map) if map.to_outside(id).is_none() => Err(format!("{setter}: {id} has no mapping")),
        Some(_) => Ok(()),
    }
}

/// Files of an id that has no mapping cannot be made on what is mounted inside (`EOVERFLOW`).
fn becomes_zero<K: IdKind>(map: Option<&IdMap<K>>, own: impl Fn() -> u32) -> bool {
    map.is_some_and(|map| map.to_inside(own()).is_none() && map.to_outside(0).is_some())
}
