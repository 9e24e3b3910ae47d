//! Single steps: propagation and proc.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use ns_fs::{Propagation, Step, apply};
use ns_sys::{Errno, UnshareFlags, unshare};
use ns_testbed::{Leftovers, SharedMount, forked};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

fn mount_tmpfs(target: &Path) {
    mount("none", target, "tmpfs", MountFlags::empty(), None).expect("mount");
}

/// Whether a mount on a shared mount in a new mount namespace propagates to the host.
fn propagates_to_host(propagation: Option<Propagation>) -> bool {
    let shared = SharedMount::new();
    let target = shared.path().join("inner");
    fs::create_dir(&target).expect("mkdir");
    let before = Leftovers::mountinfo();
    let code = forked(|| {
        unshare(UnshareFlags::NEWNS).expect("unshare");
        if let Some(propagation) = propagation {
            apply::propagation(propagation).expect("propagation");
        }
        mount_tmpfs(&target);
        0
    });
    assert_eq!(code, 0);
    before != Leftovers::mountinfo()
}

/// A mount propagates to the host without the step and with shared; not with private or slave.
#[test]
fn d06_propagation_to_the_host() {
    ns_testbed::run_as!([Root, Nested], {
        assert!(propagates_to_host(None), "the mount of the testbed is not shared");
        assert!(!propagates_to_host(Some(Propagation::Private)));
        assert!(!propagates_to_host(Some(Propagation::Slave)));
        assert!(propagates_to_host(Some(Propagation::Shared)));
    });
}

/// Whether a mount on a shared mount of the host propagates to a new mount namespace.
fn propagates_from_host(propagation: Propagation) -> bool {
    let shared = SharedMount::new();
    let target = shared.path().join("inner");
    fs::create_dir(&target).expect("mkdir");
    let pipe = || rustix::pipe::pipe().map(|(from, to)| (File::from(from), File::from(to)));
    let (mut ready, mut send_ready) = pipe().expect("pipe");
    let (mut mounted, mut send_mounted) = pipe().expect("pipe");
    let code = std::thread::scope(|scope| {
        let child = scope.spawn(|| {
            forked(|| {
                unshare(UnshareFlags::NEWNS).expect("unshare");
                apply::propagation(propagation).expect("propagation");
                send_ready.write_all(b"1").expect("write");
                mounted.read_exact(&mut [0]).expect("read");
                i32::from(Leftovers::mountinfo().contains(target.to_str().expect("text")))
            })
        });
        ready.read_exact(&mut [0]).expect("read");
        mount_tmpfs(&target);
        send_mounted.write_all(b"1").expect("write");
        child.join().expect("join")
    });
    unmount(&target, UnmountFlags::empty()).expect("unmount");
    code == 1
}

/// Later mounts of the host propagate with slave and shared; not with private.
#[test]
fn d06_propagation_from_the_host() {
    ns_testbed::run_as!([Root, Nested], {
        assert!(propagates_from_host(Propagation::Slave));
        assert!(propagates_from_host(Propagation::Shared));
        assert!(!propagates_from_host(Propagation::Private));
    });
}

/// The error of a failed step names the step and the errno.
#[test]
fn errors_name_the_step_and_errno() {
    ns_testbed::run_as!([User], {
        let error = apply::propagation(Propagation::Private).expect_err("no privilege");
        assert_eq!((error.step, error.errno), (Step::Propagation, Errno::PERM));
        assert_eq!(error.to_string(), "propagation failed");
        let cause = std::error::Error::source(&error).expect("the errno");
        assert_eq!(cause.to_string(), Errno::PERM.to_string());
        let error = apply::mount_proc().expect_err("no privilege");
        assert_eq!((error.step, error.errno), (Step::MountProc, Errno::PERM));
    });
}

/// In a user namespace without a new pid namespace, proc is refused.
#[test]
fn d10_proc_needs_a_pid_namespace() {
    ns_testbed::run_as!([User], {
        let code = forked(|| {
            unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS).expect("unshare");
            let error = apply::mount_proc().expect_err("no new pid namespace");
            i32::from(error.errno != Errno::PERM)
        });
        assert_eq!(code, 0);
    });
}

/// In a new pid namespace, proc shows its processes.
#[test]
fn d09_proc_shows_the_new_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        let code = forked(|| {
            let kinds = UnshareFlags::NEWUSER | UnshareFlags::NEWNS | UnshareFlags::NEWPID;
            unshare(kinds).expect("unshare");
            forked(|| {
                apply::propagation(Propagation::Private).expect("propagation");
                apply::mount_proc().expect("mount_proc");
                let info = fs::read_to_string("/proc/self/mountinfo").expect("read mountinfo");
                let line = info.lines().rfind(|line| line.contains(" /proc ")).expect("mounted");
                assert!(line.contains("nosuid,nodev,noexec"), "{line}");
                let own = fs::read_link("/proc/self").expect("read the link");
                i32::from(own.to_str() != Some("1"))
            })
        });
        assert_eq!(code, 0);
    });
}
