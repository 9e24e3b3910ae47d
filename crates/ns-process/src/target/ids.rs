//! The IDs of the child in a user namespace that it joins.

use ns_idmap::{GidMap, UidMap};
use rustix::process::{getegid, geteuid};

use super::OpenTarget;
use crate::in_child::{Ids, OverflowIds};
use crate::proc_dir::ProcDir;

/// The caller's IDs in the target's user namespace. A file that cannot be read changes nothing.
#[derive(Debug, Default)]
pub(super) struct TargetIds {
    /// Whether to change to ID 0, because the caller's own ID has no mapping there: a process with such an ID cannot
    /// create files.
    zero_uid: bool,
    zero_gid: bool,
    /// Set if a user namespace is joined by a file.
    unless_mapped: Option<OverflowIds>,
    /// Whether setgroups(2) is denied in the namespace.
    setgroups_denied: bool,
}

impl TargetIds {
    pub(super) fn read(dir: &ProcDir) -> Self {
        let uids = UidMap::read(dir).ok().flatten();
        let gids = GidMap::read(dir).ok().flatten();
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let zero_uid = uids.is_some_and(|map| map.to_inside(uid).is_none() && map.contains(0));
        let zero_gid = gids.is_some_and(|map| map.to_inside(gid).is_none() && map.contains(0));
        let setgroups_denied = dir.read("setgroups").is_ok_and(|state| state.trim() == "deny");
        Self { zero_uid, zero_gid, unless_mapped: None, setgroups_denied }
    }

    /// For a user namespace that is joined by a file.
    pub(super) fn of_file(overflow: Option<OverflowIds>) -> Self {
        Self { unless_mapped: overflow, ..Self::default() }
    }
}

impl OpenTarget {
    /// The IDs of the child. A child that changes to uid 0 drops the caller's groups, unless setgroups(2) is denied.
    pub(crate) fn ids<'a>(&self, ids: Ids<'a>, asks_for_groups: bool) -> Ids<'a> {
        let TargetIds { zero_uid, zero_gid, unless_mapped, setgroups_denied } = self.ids;
        let groups = match ids.groups {
            requested if asks_for_groups => requested,
            _ if setgroups_denied => None,
            default => default.or(zero_uid.then_some(&[])),
        };
        Ids {
            zero_uid: ids.zero_uid || zero_uid,
            zero_gid: ids.zero_gid || zero_gid,
            unless_mapped,
            groups,
            ..ids
        }
    }
}
