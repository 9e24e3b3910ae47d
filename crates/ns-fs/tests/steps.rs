//! The steps against the real kernel.

use std::fs::{self, File};
use std::io::{Read, Write};

use ns_fs::{Propagation, Step, apply};
use ns_sys::{Errno, UnshareFlags, unshare};
use ns_testbed::{Leftovers, SharedMount, forked};

/// Mounts a tmpfs on the shared mount from a new mount namespace with `wish`; tells whether the
/// mount showed outside.
fn leaks(wish: Option<Propagation>) -> bool {
    let shared = SharedMount::new();
    let target = shared.path().join("inner");
    fs::create_dir(&target).expect("mkdir");
    let before = Leftovers::mountinfo();
    let code = forked(|| {
        unshare(UnshareFlags::NEWNS).expect("unshare");
        if let Some(wish) = wish {
            apply::propagation(wish).expect("propagation");
        }
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("none", &target, "tmpfs", flags, None).expect("mount");
        0
    });
    assert_eq!(code, 0);
    before != Leftovers::mountinfo()
}

/// Without the step a mount travels to the caller; private and slave keep it, shared does not.
#[test]
fn d06_propagation() {
    ns_testbed::run_as!([Root, Nested], {
        assert!(leaks(None), "the test bed's mount does not propagate: the test shows nothing");
        assert!(!leaks(Some(Propagation::Private)));
        assert!(!leaks(Some(Propagation::Slave)));
        assert!(leaks(Some(Propagation::Shared)));
    });
}

/// Whether a mount that the caller makes on the shared mount arrives in a mount namespace with `wish`.
fn arrives(wish: Propagation) -> bool {
    let shared = SharedMount::new();
    let target = shared.path().join("inner");
    fs::create_dir(&target).expect("mkdir");
    let pipe = || rustix::pipe::pipe().map(|(from, to)| (File::from(from), File::from(to)));
    let (mut ready, mut said_ready) = pipe().expect("pipe");
    let (mut mounted, mut said_mounted) = pipe().expect("pipe");
    let child = std::thread::scope(|scope| {
        let child = scope.spawn(|| {
            forked(|| {
                unshare(UnshareFlags::NEWNS).expect("unshare");
                apply::propagation(wish).expect("propagation");
                said_ready.write_all(b"1").expect("say");
                mounted.read_exact(&mut [0]).expect("hear");
                i32::from(Leftovers::mountinfo().contains(target.to_str().expect("text")))
            })
        });
        ready.read_exact(&mut [0]).expect("hear");
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("none", &target, "tmpfs", flags, None).expect("mount");
        said_mounted.write_all(b"1").expect("say");
        child.join().expect("the child")
    });
    rustix::mount::unmount(&target, rustix::mount::UnmountFlags::empty()).expect("unmount");
    child == 1
}

/// The caller's later mounts arrive with slave and shared, and not with private.
#[test]
fn d06_what_arrives() {
    ns_testbed::run_as!([Root, Nested], {
        assert!(arrives(Propagation::Slave));
        assert!(arrives(Propagation::Shared));
        assert!(!arrives(Propagation::Private));
    });
}

/// A failed step says which, and what the kernel said.
#[test]
fn steps_name_themselves() {
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

/// In a user namespace without a pid namespace of its own, proc is refused.
#[test]
fn d10_proc_needs_a_pid_namespace() {
    ns_testbed::run_as!([User], {
        let code = forked(|| {
            unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS).expect("unshare");
            let error = apply::mount_proc().expect_err("the pid namespace is the outer one's");
            i32::from(error.errno != Errno::PERM)
        });
        assert_eq!(code, 0);
    });
}

/// In a new pid namespace proc shows that one.
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
