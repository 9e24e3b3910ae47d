//! User namespaces, and a user with delegated IDs.

use std::fs;
use std::path::PathBuf;

use ns_process::{Container, Namespace};
use ns_sys::UnshareFlags;
use ns_testbed::{USER, forked};
use rustix::mount::mount_bind;
use rustix::process::{getegid, geteuid};

use super::memory::prctl_dumpable;
use super::{in_child, shell};

/// A shell in a new user namespace without maps.
pub(crate) fn inside(script: &str) -> Container {
    let mut container = shell(script);
    container.namespace(Namespace::User);
    container
}

/// A shell script that prints both maps of its process.
pub(crate) const MAPS: &str = "cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '";

/// Moves this process to a new user namespace, in which it is root, and to other new namespaces.
pub(crate) fn unshare_user(others: UnshareFlags) {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    ns_sys::unshare(UnshareFlags::NEWUSER | others).expect("unshare");
    fs::write("/proc/self/setgroups", "deny").expect("setgroups");
    fs::write("/proc/self/uid_map", format!("0 {uid} 1")).expect("uid_map");
    fs::write("/proc/self/gid_map", format!("0 {gid} 1")).expect("gid_map");
}

/// Runs `body` as process 1 of a new pid namespace, in a new user namespace and in others.
pub(crate) fn as_process_1(others: UnshareFlags, body: impl FnOnce()) {
    let code = forked(|| {
        unshare_user(UnshareFlags::NEWPID | others);
        forked(|| {
            body();
            0
        })
    });
    assert_eq!(code, 0);
}

/// Whether the machine has the programs that write maps of delegated IDs.
pub(crate) fn has_newuidmap() -> bool {
    fs::exists("/usr/bin/newuidmap").expect("stat")
}

/// Files that hide files of `/etc` in the private mount namespace of the test.
pub(crate) struct Etc(Vec<(PathBuf, PathBuf)>);

impl Etc {
    fn new(files: &[(&str, &str)]) -> Self {
        let mut made = Vec::new();
        for (name, text) in files {
            let path =
                std::env::temp_dir().join(format!("ns-process-{name}-{}", std::process::id()));
            fs::write(&path, text).expect("write");
            let target = PathBuf::from("/etc").join(name);
            if !target.exists() {
                continue;
            }
            mount_bind(&path, &target).expect("bind");
            made.push((path, target));
        }
        Self(made)
    }
}

impl Drop for Etc {
    fn drop(&mut self) {
        for (path, target) in &self.0 {
            let _ = rustix::mount::unmount(target, rustix::mount::UnmountFlags::DETACH);
            let _ = fs::remove_file(path);
        }
    }
}

/// Delegates the IDs from 100000 on to the user of the tests.
pub(crate) fn delegated() -> Etc {
    let ranges = "tester:100000:65536\n";
    delegation(ranges, ranges)
}

/// Gives the user of the tests the name `tester`, and delegates IDs by these texts.
pub(crate) fn delegation(subuid: &str, subgid: &str) -> Etc {
    let passwd = fs::read_to_string("/etc/passwd").expect("read");
    let passwd = format!("{passwd}tester:x:{USER}:{USER}::/:/bin/sh\n");
    Etc::new(&[("passwd", &passwd), ("subuid", subuid), ("subgid", subgid)])
}

/// Gives `nsswitch.conf` this text.
pub(crate) fn nsswitch(text: &str) -> Etc {
    Etc::new(&[("nsswitch.conf", text)])
}

/// Runs `body` in a forked child that becomes the user of the tests.
pub(crate) fn as_user(body: impl FnOnce()) {
    in_child(|| {
        ns_sys::child::setgroups(&[]).expect("setgroups");
        ns_sys::child::setresgid(USER).expect("setresgid");
        ns_sys::child::setresuid(USER).expect("setresuid");
        // The change of IDs has cleared the flag.
        prctl_dumpable(1);
        body();
    });
}
