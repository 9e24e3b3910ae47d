//! Other crates that start processes in namespaces.

use ns_process::Namespace;

use crate::{TINY, TINY_ROOT};

/// Starts `tiny` with the crate unshare, with the caller's IDs mapped to 0.
///
/// # Panics
/// If `tiny` cannot be run.
pub fn unshare(namespaces: &[Namespace]) {
    unshare_mapped(namespaces, 1);
}

/// Like [`unshare()`], with this number of extents in each map. The first extent is the caller's own ID.
///
/// # Panics
/// If `tiny` cannot be run.
pub fn unshare_mapped(namespaces: &[Namespace], extents: u32) {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let uids = (0..extents).map(|id| (id, uid + id * 2));
    let uids =
        uids.map(|(inside_uid, outside_uid)| unshare::UidMap { inside_uid, outside_uid, count: 1 });
    let gids = (0..extents).map(|id| (id, gid + id * 2));
    let gids =
        gids.map(|(inside_gid, outside_gid)| unshare::GidMap { inside_gid, outside_gid, count: 1 });
    let mut command = unshare::Command::new(TINY);
    let kinds: Vec<_> = namespaces.iter().copied().map(unshare_namespace).collect();
    command.unshare(kinds.iter()).set_id_maps(uids.collect(), gids.collect());
    assert!(command.status().expect("run tiny").success());
}

fn unshare_namespace(namespace: Namespace) -> unshare::Namespace {
    match namespace {
        Namespace::User => unshare::Namespace::User,
        Namespace::Mnt => unshare::Namespace::Mount,
        Namespace::Pid => unshare::Namespace::Pid,
        Namespace::Uts => unshare::Namespace::Uts,
        Namespace::Ipc => unshare::Namespace::Ipc,
        Namespace::Net => unshare::Namespace::Net,
        other => unreachable!("the crate does not support {other:?}"),
    }
}

/// Starts `tiny` with the crate hakoniwa: new user, mnt, pid, uts and ipc namespaces, and a new root with `tiny` and
/// proc.
///
/// # Panics
/// If `tiny` cannot be run.
pub fn hakoniwa(with_network: bool) {
    let mut container = hakoniwa::Container::new();
    container.unshare(hakoniwa::Namespace::Uts).unshare(hakoniwa::Namespace::Ipc);
    if with_network {
        container.unshare(hakoniwa::Namespace::Network);
    }
    container.bindmount_ro(TINY_ROOT, "/bin");
    let status = container.command("/bin/tiny").status().expect("run tiny");
    assert!(status.success(), "{status:?}");
}
