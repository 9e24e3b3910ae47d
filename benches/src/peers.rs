//! Other people's crates that start processes in namespaces.

use ns_process::Namespace;

use crate::{TINY, TINY_ROOT};

/// By crate unshare, with the caller's ids as 0.
///
/// # Panics
/// When `tiny` does not run.
pub fn unshare(namespaces: &[Namespace]) {
    unshare_mapped(namespaces, 1);
}

/// As [`unshare()`], with so many extents in each map; one is the caller's own id.
///
/// # Panics
/// When `tiny` does not run.
pub fn unshare_mapped(namespaces: &[Namespace], extents: u32) {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let uids = (0..extents).map(|id| (id, uid + id * 2));
    let uids =
        uids.map(|(inside_uid, outside_uid)| unshare::UidMap { inside_uid, outside_uid, count: 1 });
    let gids = (0..extents).map(|id| (id, gid + id * 2));
    let gids =
        gids.map(|(inside_gid, outside_gid)| unshare::GidMap { inside_gid, outside_gid, count: 1 });
    let mut command = unshare::Command::new(TINY);
    let kinds: Vec<_> = namespaces.iter().copied().map(named_by_unshare).collect();
    command.unshare(kinds.iter()).set_id_maps(uids.collect(), gids.collect());
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
