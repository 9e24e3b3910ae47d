//! Who the child is in a user namespace that it enters.

use ns_idmap::{GidMap, UidMap};
use rustix::process::{getegid, geteuid};

use crate::in_child::Ids;
use crate::proc_dir::ProcDir;

/// What the target's user namespace makes of the caller. What cannot be read changes nothing.
#[derive(Debug, Default)]
pub(super) struct TargetIds {
    /// Whether to become 0, because one's own uid or gid has no mapping there: files of such an id
    /// cannot be made.
    zero_uid: bool,
    zero_gid: bool,
    /// Whether setgroups(2) is denied to everybody.
    denied: bool,
}

impl TargetIds {
    pub(super) fn read(dir: &ProcDir) -> Self {
        let uids = UidMap::read(dir).ok().flatten();
        let gids = GidMap::read(dir).ok().flatten();
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let zero_uid = uids.is_some_and(|map| map.to_inside(uid).is_none() && map.contains(0));
        let zero_gid = gids.is_some_and(|map| map.to_inside(gid).is_none() && map.contains(0));
        let denied = dir.read("setgroups").is_ok_and(|state| state.trim() == "deny");
        Self { zero_uid, zero_gid, denied }
    }

    /// Another user does not keep the caller's groups, unless nobody can leave any.
    pub(super) fn ids<'a>(&self, ids: Ids<'a>, asks_for_groups: bool) -> Ids<'a> {
        let Self { zero_uid, zero_gid, denied } = *self;
        let groups = match ids.groups {
            asked if asks_for_groups => asked,
            _ if denied => None,
            by_default => by_default.or(zero_uid.then_some(&[])),
        };
        Ids {
            zero_uid: ids.zero_uid || zero_uid,
            zero_gid: ids.zero_gid || zero_gid,
            groups,
            ..ids
        }
    }
}
