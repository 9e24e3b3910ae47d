//! The IDs that the caller may map, and the helpers that write maps.

use std::format;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_idmap::{Helper, Writer};
use rustix::process::{DumpableBehavior, dumpable_behavior};

use super::Finding;

const SET_USER_ID: u32 = 0o4000;

pub(super) fn all() -> Vec<Finding> {
    match Writer::current() {
        Ok(writer) => {
            let [uids, gids] = ["newuidmap", "newgidmap"].map(helper);
            Vec::from([ranges(&writer), uids, gids, dumpable(), setgroups(&writer)])
        }
        Err(error) => Vec::from([Finding::new("id maps", false, error.to_string())]),
    }
}

fn ranges(writer: &Writer) -> Finding {
    if writer.capabilities.setuid && writer.capabilities.setgid {
        return Finding::new("id maps", true, "any, by privilege");
    }
    let (uids, gids) = (writer.delegation.sub_uids.left(), writer.delegation.sub_gids.left());
    let detail = format!("one's own, and {uids} uids and {gids} gids delegated");
    Finding::new("id maps", uids > 0 && gids > 0, detail)
        .advise("for more than one id, list the user in /etc/subuid and /etc/subgid")
}

/// A privileged program that writes maps for unprivileged callers.
fn helper(name: &'static str) -> Finding {
    let Ok(path) = Helper::default().program(name) else {
        return Finding::new(name, false, "not installed")
            .advise("delegated ids need it: install the package uidmap or shadow");
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
        .advise("it is denied for good in this user namespace")
}
