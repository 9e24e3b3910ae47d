//! The IDs that the caller may map, and the helpers that write maps.

use std::format;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_idmap::{Gid, Helper, IdKind, SubIds, Uid, Writer};
use rustix::process::{DumpableBehavior, dumpable_behavior};

use super::Finding;

const SET_USER_ID: u32 = 0o4000;

pub(super) fn all() -> Vec<Finding> {
    match Writer::current() {
        Ok(writer) => {
            let (uids, gids) = (helper::<Uid>(), helper::<Gid>());
            Vec::from([ranges(&writer), uids, gids, dumpable(), setgroups(&writer)])
        }
        Err(error) => Vec::from([Finding::new("id maps", false, error.to_string())]),
    }
}

fn ranges(writer: &Writer) -> Finding {
    if writer.capabilities.setuid && writer.capabilities.setgid {
        return Finding::new("id maps", true, "the caller may map all IDs");
    }
    let (uids, gids) = (&writer.delegation.sub_uids, &writer.delegation.sub_gids);
    let count = |ids: &Option<SubIds>| ids.as_ref().map(SubIds::left);
    let number = |ids| count(ids).map_or("unknown".into(), |left| left.to_string());
    let detail = format!(
        "the caller's own IDs only; {} user IDs and {} group IDs are delegated",
        number(uids),
        number(gids)
    );
    let have_some = [uids, gids].into_iter().all(|ids| count(ids).is_some_and(|left| left > 0));
    Finding::new("id maps", have_some, detail)
        .advise("for more than one ID, list the user in /etc/subuid and /etc/subgid")
}

/// A privileged program that writes maps for unprivileged callers.
fn helper<K: IdKind>() -> Finding {
    let name = K::HELPER;
    let Ok(path) = Helper::<K>::default().program() else {
        return Finding::new(name, false, "not installed")
            .advise("delegated IDs need it: install the package uidmap or shadow");
    };
    let works = is_privileged(&path);
    let problem = if works { "" } else { ", but neither set-user-ID nor with capabilities" };
    Finding::new(name, works, format!("{}{problem}", path.display()))
        .advise("install it as its package has it, on a file system without nosuid")
}

fn is_privileged(program: &Path) -> bool {
    let mode = program.metadata().map_or(0, |file| file.permissions().mode());
    let capabilities = rustix::fs::getxattr(program, "security.capability", &mut [0_u8; 0][..]);
    mode & SET_USER_ID != 0 || capabilities.is_ok_and(|length| length > 0)
}

fn dumpable() -> Finding {
    let is_set = dumpable_behavior().is_ok_and(|now| now == DumpableBehavior::Dumpable);
    Finding::new("dumpable", is_set, if is_set { "yes" } else { "no" })
        .advise("an unprivileged caller cannot write maps: call prctl(PR_SET_DUMPABLE, 1), or execute the program again")
}

fn setgroups(writer: &Writer) -> Finding {
    let allowed = writer.setgroups_allowed;
    Finding::new("setgroups", allowed, if allowed { "allowed" } else { "denied" })
        .advise("this cannot be changed in this user namespace")
}
