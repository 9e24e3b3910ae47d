//! The user who runs this command.

use std::fs;

use rustix::process::geteuid;

/// Whether the caller is an ordinary user, or root of a user namespace only, as in a rootless engine.
pub(crate) fn is_rootless() -> bool {
    !geteuid().is_root() || is_in_user_namespace()
}

/// Whether the own user namespace is not the initial one, whose map is whole.
fn is_in_user_namespace() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().collect::<Vec<_>>() != ["0", "0", "4294967295"]
}
