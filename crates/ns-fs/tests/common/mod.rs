//! What several tests of this crate need.
#![allow(dead_code, reason = "no test needs all of it")]
#![allow(unsafe_code, reason = "seccomp filters, and descriptors by number")]

use std::fs;
use std::os::fd::{BorrowedFd, RawFd};
use std::path::{Path, PathBuf};

use ns_fs::{FdPlan, Mount, Root, RootPlan, Workdir, apply};
use ns_sys::child::{self, exit_group};
use ns_sys::{UnshareFlags, unshare};
use ns_testbed::{Role, USER, forked, role};

/// Borrows a number.
pub(crate) fn borrow(number: RawFd) -> BorrowedFd<'static> {
    // SAFETY: the tests own their numbers, and close none while it is borrowed.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// A folder of the test's own, removed at its end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ns-fs {name} {}", std::process::id()));
        fs::create_dir_all(&path).expect("mkdir");
        Self(path)
    }

    /// With the named folders in it.
    pub(crate) fn with(name: &str, folders: &[&str]) -> Self {
        let folder = Self::new(name);
        for inner in folders {
            fs::create_dir_all(folder.0.join(inner)).expect("mkdir");
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let removed = fs::remove_dir_all(&self.0);
        if !std::thread::panicking() {
            removed.expect("remove");
        }
    }
}

/// A mount namespace of this process's own, and `more`; for [`Role::User`] with a user namespace in
/// which it is root.
pub(crate) fn own_namespaces(more: UnshareFlags) {
    if role() == Role::User {
        return nest(more);
    }
    unshare(UnshareFlags::NEWNS | more).expect("unshare");
}

/// A user and a mount namespace of the present user's, and `more`.
fn nest(more: UnshareFlags) {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS | more).expect("unshare");
    let uids = format!("0 {} 1\n", uid.as_raw());
    let gids = format!("0 {} 1\n", gid.as_raw());
    for (file, text) in [("setgroups", "deny"), ("uid_map", &uids), ("gid_map", &gids)] {
        fs::write(format!("/proc/self/{file}"), text).expect("a map");
    }
}

/// From root to [`USER`], root in namespaces of its own.
pub(crate) fn become_user() {
    child::setresgid(USER).expect("setresgid");
    child::setresuid(USER).expect("setresuid");
    // The id change cleared the flag, and without it /proc/self belongs to root.
    let dumpable = rustix::process::DumpableBehavior::Dumpable;
    rustix::process::set_dumpable_behavior(dumpable).expect("prctl");
    nest(UnshareFlags::empty());
}

/// Runs `body` in a child with a mount namespace of its own; a panic there is one here.
pub(crate) fn in_own_mounts(body: impl FnOnce()) {
    in_own(UnshareFlags::empty(), body);
}

/// As [`in_own_mounts`], with other namespaces besides.
pub(crate) fn in_own(more: UnshareFlags, body: impl FnOnce()) {
    let code = forked(|| {
        own_namespaces(more);
        body();
        0
    });
    assert_eq!(code, 0);
}

/// As [`in_own_mounts`], as pid 1 of a pid namespace.
pub(crate) fn in_own_pids(body: impl FnOnce()) {
    in_own(UnshareFlags::NEWPID, || {
        let code = forked(|| {
            body();
            0
        });
        assert_eq!(code, 0);
    });
}

/// As pid 1 of user, mount and pid namespaces below the present ones, mapped to root.
pub(crate) fn in_a_user_namespace(body: impl FnOnce()) {
    let kinds = UnshareFlags::NEWUSER | UnshareFlags::NEWNS | UnshareFlags::NEWPID;
    let code = forked(|| {
        unshare(kinds).expect("unshare");
        for (file, text) in [("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")] {
            fs::write(format!("/proc/self/{file}"), text).expect("a map");
        }
        forked(|| {
            body();
            0
        })
    });
    assert_eq!(code, 0);
}

/// A plan that begins at the root.
pub(crate) fn plan(root: Root) -> RootPlan {
    RootPlan::new(root, Workdir::default()).expect("plan")
}

/// A plan to pivot into `folder` with these mounts.
pub(crate) fn pivot(folder: &Folder, mounts: impl IntoIterator<Item = Mount>) -> RootPlan {
    plan(mounts.into_iter().fold(Root::pivot(folder.path()), Root::mount))
}

/// The names in a directory, in order.
pub(crate) fn names(path: &str) -> Vec<String> {
    let entries = fs::read_dir(path).expect("list").map(|entry| entry.expect("entry").file_name());
    let mut names: Vec<_> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The lines of mountinfo for a mount point, each as its fields.
pub(crate) fn mounts_at(path: &str, mountinfo: &str) -> Vec<Vec<String>> {
    let lines =
        mountinfo.lines().map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    lines.filter(|fields| fields[4] == path).collect()
}

/// The same mount on the present root, below a folder.
pub(crate) fn under(folder: &Folder, mount: Mount) -> Mount {
    let inside = mount.target().strip_prefix("/").unwrap_or(mount.target()).to_owned();
    mount.with_target(folder.path().join(inside))
}

/// Places and closes, in a forked child. Ends it on an error, which it may no longer be able to print.
pub(crate) fn apply_fds(plan: &FdPlan) {
    // SAFETY: only forked children come here, which go on to exec or exit.
    let placed = unsafe { apply::place_fds(plan.steps()) };
    // SAFETY: as above.
    let closed = placed.and_then(|()| unsafe { apply::close_rest(plan.ranges()) });
    if let Err(error) = closed {
        exit_group(error.errno.raw_os_error());
    }
}

/// Whether anything is there.
pub(crate) fn is_open(number: RawFd) -> bool {
    rustix::io::fcntl_getfd(borrow(number)).is_ok()
}
