//! Directories, namespaces and descriptors for tests.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::{fs, io};

use ns_fs::{FdPlan, Mount, Root, RootPlan, Workdir, apply};
use ns_sys::child::{self, exit_group};
use ns_sys::{Errno, UnshareFlags, unshare};
use ns_testbed::{Role, USER, forked, refuse, role};

/// Borrows a descriptor by its number.
pub(crate) fn borrow(number: RawFd) -> BorrowedFd<'static> {
    // SAFETY: a test closes no descriptor while it is borrowed.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// A temporary directory, removed on drop.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ns-fs {name} {}", std::process::id()));
        fs::create_dir_all(&path).expect("mkdir");
        Self(path)
    }

    /// With these directories in it.
    pub(crate) fn with(name: &str, directories: &[&str]) -> Self {
        let dir = Self::new(name);
        for inner in directories {
            fs::create_dir_all(dir.0.join(inner)).expect("mkdir");
        }
        dir
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let removed = fs::remove_dir_all(&self.0);
        if !std::thread::panicking() {
            removed.expect("remove");
        }
    }
}

/// Moves this process into a new mount namespace and `more`. As [`Role::User`], also into a new user
/// namespace, in which it is root.
pub(crate) fn own_namespaces(more: UnshareFlags) {
    if role() == Role::User {
        return unshare_user(more);
    }
    unshare(UnshareFlags::NEWNS | more).expect("unshare");
}

/// Moves this process into a new user namespace, as root, and into a new mount namespace and `more`.
fn unshare_user(more: UnshareFlags) {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS | more).expect("unshare");
    let uids = format!("0 {} 1\n", uid.as_raw());
    let gids = format!("0 {} 1\n", gid.as_raw());
    for (file, text) in [("setgroups", "deny"), ("uid_map", &uids), ("gid_map", &gids)] {
        fs::write(format!("/proc/self/{file}"), text).expect("write a map");
    }
}

/// Changes root to [`USER`], who is then root in new user and mount namespaces.
pub(crate) fn become_user() {
    child::setresgid(USER).expect("setresgid");
    child::setresuid(USER).expect("setresuid");
    // setresuid(2) cleared the attribute, without which /proc/self belongs to root.
    let dumpable = rustix::process::DumpableBehavior::Dumpable;
    rustix::process::set_dumpable_behavior(dumpable).expect("prctl");
    unshare_user(UnshareFlags::empty());
}

/// Runs `body` in a child with its own mount namespace; a panic in the child is a panic here.
pub(crate) fn in_own_mounts(body: impl FnOnce()) {
    in_own(UnshareFlags::empty(), body);
}

/// As [`in_own_mounts`], with `more` new namespaces.
pub(crate) fn in_own(more: UnshareFlags, body: impl FnOnce()) {
    let code = forked(|| {
        own_namespaces(more);
        body();
        0
    });
    assert_eq!(code, 0);
}

/// As [`in_own_mounts`], as pid 1 of a new pid namespace.
pub(crate) fn in_own_pids(body: impl FnOnce()) {
    in_own(UnshareFlags::NEWPID, || {
        let code = forked(|| {
            body();
            0
        });
        assert_eq!(code, 0);
    });
}

/// Runs `body` as root and pid 1 of new user, mount and pid namespaces.
pub(crate) fn in_a_user_namespace(body: impl FnOnce()) {
    let kinds = UnshareFlags::NEWUSER | UnshareFlags::NEWNS | UnshareFlags::NEWPID;
    let code = forked(|| {
        unshare(kinds).expect("unshare");
        for (file, text) in [("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")] {
            fs::write(format!("/proc/self/{file}"), text).expect("write a map");
        }
        forked(|| {
            body();
            0
        })
    });
    assert_eq!(code, 0);
}

/// Refuses these system calls as a kernel without them does.
pub(crate) fn refuse_all(missing: &[u32]) {
    for call in missing {
        refuse(*call, Errno::NOSYS);
    }
}

/// A plan with the working directory `/`.
pub(crate) fn plan(root: Root) -> RootPlan {
    RootPlan::new(root, Workdir::default()).expect("plan")
}

/// A plan that makes `dir` the root, with these mounts.
pub(crate) fn pivot(dir: &TempDir, mounts: impl IntoIterator<Item = Mount>) -> RootPlan {
    plan(mounts.into_iter().fold(Root::pivot(dir.path()), Root::mount))
}

/// The sorted names in a directory.
pub(crate) fn names(path: &str) -> Vec<String> {
    let entries = fs::read_dir(path).expect("list").map(|entry| entry.expect("entry").file_name());
    let mut names: Vec<_> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The lines of mountinfo for a mount point, split into fields.
pub(crate) fn mounts_at(path: &str, mountinfo: &str) -> Vec<Vec<String>> {
    let lines =
        mountinfo.lines().map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    lines.filter(|fields| fields[4] == path).collect()
}

/// The same mount with its target below `dir`, for the current root.
pub(crate) fn under(dir: &TempDir, mount: Mount) -> Mount {
    let inside = mount.target().strip_prefix("/").unwrap_or(mount.target()).to_owned();
    mount.with_target(dir.path().join(inside))
}

/// Moves and closes descriptors in a forked child. Exits on an error, because stderr may be closed.
pub(crate) fn apply_fds(plan: &FdPlan) {
    // SAFETY: only forked children call this, and then exec or exit.
    let placed = unsafe { apply::place_fds(plan.steps()) };
    // SAFETY: as above.
    let closed = placed.and_then(|()| unsafe { apply::close_rest(plan.ranges()) });
    if let Err(error) = closed {
        exit_group(error.errno.raw_os_error());
    }
}

/// `program`, which moves descriptors in `pre_exec` and closes the rest on exec.
pub(crate) fn command(program: &str, plan: Arc<FdPlan>) -> Command {
    let mut command = Command::new(program);
    let in_child = move || -> io::Result<()> {
        // SAFETY: a forked child calls it, and then exec.
        unsafe { apply::place_fds(plan.steps()) }?;
        Ok(apply::close_rest_on_exec(plan.ranges())?)
    };
    // SAFETY: the closure only makes bare system calls.
    unsafe { command.pre_exec(in_child) };
    command
}

/// Whether a descriptor is open.
pub(crate) fn is_open(number: RawFd) -> bool {
    rustix::io::fcntl_getfd(borrow(number)).is_ok()
}
