//! Who the child is in a user namespace that it enters.

use ns_idmap::{GidMap, UidMap};
use rustix::process::{getegid, geteuid};

use super::folder::Folder;
use crate::in_child::Ids;

/// What the target's user namespace makes of the caller. What cannot be read changes nothing.
#[derive(Debug, Default)]
pub(super) struct Inside {
    /// Whether to become 0, because one's own uid or gid has no mapping there: files of such an id
    /// cannot be made.
    zero_uid: bool,
    zero_gid: bool,
    /// Whether to leave one's groups, which mean another user's files there, and may be left.
    no_groups: bool,
}

impl Inside {
    pub(super) fn read(folder: &Folder) -> Self {
        let uids = UidMap::read(folder).ok().flatten();
        let gids = GidMap::read(folder).ok().flatten();
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let zero_uid = uids.is_some_and(|map| map.to_inside(uid).is_none() && map.contains(0));
        let zero_gid = gids.is_some_and(|map| map.to_inside(gid).is_none() && map.contains(0));
        let allowed = folder.read("setgroups").is_ok_and(|state| state.trim() == "allow");
        Self { zero_uid, zero_gid, no_groups: zero_uid && allowed }
    }

    pub(super) fn ids<'a>(&self, ids: Ids<'a>) -> Ids<'a> {
        let Self { zero_uid, zero_gid, no_groups } = *self;
        Ids {
            zero_uid: ids.zero_uid || zero_uid,
            zero_gid: ids.zero_gid || zero_gid,
            groups: ids.groups.or(no_groups.then_some(&[])),
            ..ids
        }
    }
}
