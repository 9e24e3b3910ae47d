//! Others that start programs.

use std::process::Command;

use ns_process::Namespace;

use crate::{TINY, TINY_ROOT};

/// By `std::process::Command`.
///
/// # Panics
/// When `tiny` does not run.
pub fn std_command() {
    assert!(Command::new(TINY).status().expect("tiny runs").success());
}

/// By crate unshare, with the caller's ids as 0.
///
/// # Panics
/// When `tiny` does not run.
pub fn unshare(namespaces: &[Namespace]) {
    let mut command = unshare::Command::new(TINY);
    let map = |id| vec![unshare::UidMap { inside_uid: 0, outside_uid: id, count: 1 }];
    let gids = |id| vec![unshare::GidMap { inside_gid: 0, outside_gid: id, count: 1 }];
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let kinds: Vec<_> = namespaces.iter().copied().map(named_by_unshare).collect();
    command.unshare(kinds.iter()).set_id_maps(map(uid), gids(gid));
    assert!(command.status().expect("tiny runs").success());
}

fn named_by_unshare(namespace: Namespace) -> unshare::Namespace {
    match namespace {
        Namespace::User => unshare::Namespace::User,
        Namespace::Mnt => unshare::Namespace::Mount,
        Namespace::Pid => unshare::Namespace::Pid,
        Namespace::Uts => unshare::Namespace::Uts,
        Namespace::Ipc => unshare::Namespace::Ipc,
        Namespace::Net => unshare::Namespace::Net,
        other => unreachable!("{other:?}: the crate has none"),
    }
}

/// By crate hakoniwa: user, mnt, pid, uts and ipc, a root of its own with `tiny` and proc.
///
/// # Panics
/// When `tiny` does not run.
pub fn hakoniwa(with_network: bool) {
    let mut container = hakoniwa::Container::new();
    container.unshare(hakoniwa::Namespace::Uts).unshare(hakoniwa::Namespace::Ipc);
    if with_network {
        container.unshare(hakoniwa::Namespace::Network);
    }
    container.bindmount_ro(TINY_ROOT, "/bin");
    let status = container.command("/bin/tiny").status().expect("tiny runs");
    assert!(status.success(), "{status:?}");
}
