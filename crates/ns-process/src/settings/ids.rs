//! User, group and supplementary groups of the program.

use std::format;
use std::prelude::rust_2024::*;

use ns_idmap::{IdKind, IdMap, Setgroups};
use ns_sys::NamespaceFlags;

use super::Builder;
use super::caller::Caller;
use super::maps::Maps;
use crate::in_child;

/// The requested IDs, as they are inside.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdConfig {
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) groups: Option<Vec<u32>>,
}

/// # User and groups
///
/// The IDs of the program, as they are inside its user namespace.
impl<Kind> Builder<Kind> {
    /// Sets the real, effective and saved user ID of the program, as it is inside.
    ///
    /// By default it is the caller's uid as the new user namespace shows it, or 0 if the caller's
    /// uid has no mapping there and 0 has one. A start refuses a uid that the map of a new user
    /// namespace does not contain.
    ///
    /// # Errors
    /// [`Step::Uid`](crate::Step::Uid): `EPERM`, needs `CAP_SETUID`, which a new user namespace
    /// gives; `EINVAL`, no mapping.
    ///
    /// # References
    /// setresuid(2).
    pub fn uid(&mut self, uid: u32) -> &mut Self {
        self.ids.uid = Some(uid);
        self
    }

    /// Sets the real, effective and saved group ID of the program, as it is inside.
    ///
    /// The default and the checks are those of [`uid`](Self::uid).
    ///
    /// # Errors
    /// [`Step::Gid`](crate::Step::Gid): `EPERM`, needs `CAP_SETGID`, which a new user namespace
    /// gives; `EINVAL`, no mapping.
    ///
    /// # References
    /// setresgid(2).
    pub fn gid(&mut self, gid: u32) -> &mut Self {
        self.ids.gid = Some(gid);
        self
    }

    /// Sets the supplementary groups of the program, as they are inside.
    ///
    /// By default the program has the caller's groups. It has none, as with std's `Command`, if a
    /// caller who may drop its groups starts the program as another user, by [`uid`](Self::uid) or
    /// by a map without the caller's uid.
    ///
    /// # Errors
    /// [`Step::Groups`](crate::Step::Groups), `EPERM`: needs `CAP_SETGID`, or setgroups(2) is
    /// denied in the user namespace. It is denied if an unprivileged caller writes its own gid map.
    ///
    /// # References
    /// setgroups(2), user_namespaces(7).
    pub fn groups(&mut self, groups: impl IntoIterator<Item = u32>) -> &mut Self {
        self.ids.groups = Some(groups.into_iter().collect());
        self
    }

    /// The user ID inside the namespace, if one is set.
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

/// The ID changes of the child, without calls that would change nothing.
#[derive(Debug)]
pub(crate) struct Ids {
    zero_gid: bool,
    zero_uid: bool,
    pub(crate) groups: Option<Vec<u32>>,
    gid: Option<u32>,
    /// The final uid of the program, if the child changes it.
    pub(crate) uid: Option<u32>,
    /// Whether the groups are requested, not dropped by default.
    pub(crate) asks_for_groups: bool,
}

impl Ids {
    /// Checks the configuration; an error begins with the name of the setter.
    pub(crate) fn new(
        config: &IdConfig,
        maps: &Maps,
        namespaces: NamespaceFlags,
        joined: NamespaceFlags,
        caller: &Caller,
    ) -> Result<Self, String> {
        let new_user = namespaces.contains(NamespaceFlags::USER);
        let uids = maps.uid.as_ref().map(|write| &write.map);
        let gids = maps.gid.as_ref().map(|write| &write.map);
        if new_user {
            mapped("uid", uids, config.uid)?;
            mapped("gid", gids, config.gid)?;
            for group in config.groups.iter().flatten() {
                mapped("groups", gids, Some(*group))?;
            }
        }
        if config.groups.is_some() && new_user && maps.setgroups == Setgroups::Deny {
            return Err(
                "groups: setgroups(2) is denied in a user namespace whose gid map the caller writes itself".to_owned()
            );
        }
        let (zero_uid, zero_gid) =
            (becomes_zero(uids, || caller.euid()), becomes_zero(gids, || caller.egid()));
        // The caller's IDs have other values in a joined user namespace.
        let joins_user = joined.contains(NamespaceFlags::USER);
        let holds = |by_map: Option<bool>, by_caller: bool| {
            if new_user { by_map == Some(true) } else { by_caller && !joins_user }
        };
        let holds_uid = |uid| {
            let by_map =
                uids.map(|map| zero_uid && uid == 0 || map.to_inside(caller.euid()) == Some(uid));
            holds(by_map, caller.is_user(uid))
        };
        let holds_gid = |gid| {
            let by_map =
                gids.map(|map| zero_gid && gid == 0 || map.to_inside(caller.egid()) == Some(gid));
            holds(by_map, caller.is_group(gid))
        };
        let uid = config.uid.filter(|uid| !holds_uid(*uid));
        // Otherwise another user would keep the permissions of the caller's groups.
        let can_set = !new_user || gids.is_some() && maps.setgroups != Setgroups::Deny;
        let drops = can_set && (uid.is_some() || zero_uid) && caller.may_drop_groups();
        Ok(Self {
            zero_gid,
            zero_uid,
            groups: config.groups.clone().or(drops.then(Vec::new)),
            gid: config.gid.filter(|gid| !holds_gid(*gid)),
            uid,
            asks_for_groups: config.groups.is_some(),
        })
    }

    /// Whether the child becomes another user or group.
    pub(crate) fn change_user_or_group(&self) -> bool {
        self.zero_gid || self.zero_uid || self.gid.is_some() || self.uid.is_some()
    }

    pub(crate) fn child(&self) -> in_child::Ids<'_> {
        in_child::Ids {
            zero_gid: self.zero_gid,
            zero_uid: self.zero_uid,
            unless_mapped: None,
            groups: self.groups.as_deref(),
            gid: self.gid,
            uid: self.uid,
        }
    }

    /// The calls that follow the writing of the maps.
    pub(crate) fn describe_zero(&self) -> impl Iterator<Item = String> {
        let gid = self.zero_gid.then(|| "setresgid(0)".to_owned());
        gid.into_iter().chain(self.zero_uid.then(|| "setresuid(0)".to_owned()))
    }

    /// The calls that set the requested IDs.
    pub(crate) fn describe(&self) -> impl Iterator<Item = String> {
        let groups = self.groups.as_ref().map(|groups| format!("setgroups({groups:?})"));
        let gid = self.gid.map(|gid| format!("setresgid({gid})"));
        let uid = self.uid.map(|uid| format!("setresuid({uid})"));
        groups.into_iter().chain(gid).chain(uid)
    }
}

fn mapped<K: IdKind>(setter: &str, map: Option<&IdMap<K>>, id: Option<u32>) -> Result<(), String> {
    let Some(id) = id else { return Ok(()) };
    let kind = if setter == "uid" { "user ID" } else { "group ID" };
    match map {
        Some(map) if map.to_outside(id).is_some() => Ok(()),
        Some(_) => Err(format!("{setter}: the map of the new user namespace has no {kind} {id}")),
        None => Err(format!("{setter}: the new user namespace has no map of {kind}s")),
    }
}

/// Whether the child becomes 0: a process whose ID has no mapping cannot create files on mounts of
/// its user namespace (`EOVERFLOW`).
fn becomes_zero<K: IdKind>(map: Option<&IdMap<K>>, caller_id: impl Fn() -> u32) -> bool {
    map.is_some_and(|map| map.to_inside(caller_id()).is_none() && map.to_outside(0).is_some())
}
