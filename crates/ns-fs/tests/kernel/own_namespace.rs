//! The mount namespace in which a plan is applied.
#![allow(unsafe_code, reason = "pre_exec")]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use ns_fs::{Mount, Root, Step, StepError};
use ns_sys::Errno;
use ns_testbed::{Leftovers, forked};

use crate::fixture::{TempDir, in_own_mounts, plan};

/// A root plan in `pre_exec` without a new mount namespace changes neither the caller's mounts nor its root.
#[test]
fn d04_a_root_plan_leaves_the_caller_alone() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("caller", &["proc"]);
        in_own_mounts(|| {
            let new = Root::pivot(dir.path()).mount(Mount::tmpfs("/made").create());
            let here = Root::current().mount(Mount::tmpfs("/tmp"));
            let root = || fs::metadata("/").expect("stat").ino();
            let before = (Leftovers::mountinfo(), root());
            for plan in [new, here].map(plan) {
                let mut command = Command::new("/no/such/program");
                // SAFETY: the closure only makes bare system calls, and allocates nothing.
                unsafe { command.pre_exec(move || Ok(plan.apply()?)) };
                assert_eq!(command.spawn().expect_err("no program").kind(), ErrorKind::NotFound);
                assert!((Leftovers::mountinfo(), root()) == before, "the caller's are unchanged");
            }
        });
    });
}

/// Without privilege a plan is refused, and what a plan without mounts changes needs none.
#[test]
fn d04_an_own_namespace_needs_privilege() {
    ns_testbed::run_as!([User], {
        let mounts = plan(Root::current().mount(Mount::tmpfs("/tmp")));
        let none = plan(Root::current());
        let code = forked(|| {
            let error = StepError { step: Step::Namespace, errno: Errno::PERM };
            assert_eq!(mounts.apply(), Err(error));
            none.apply().expect("apply");
            0
        });
        assert_eq!(code, 0);
    });
}

/// A plan for a process with its own namespace makes none.
#[test]
fn d04_a_declared_namespace_is_not_left() {
    ns_testbed::run_as!([Root, User, Nested], {
        let plan = plan(Root::current().mount(Mount::tmpfs("/tmp")).in_own_namespace());
        in_own_mounts(|| {
            let before = fs::read_link("/proc/self/ns/mnt").expect("readlink");
            plan.apply().expect("apply");
            assert_eq!(fs::read_link("/proc/self/ns/mnt").expect("readlink"), before);
        });
    });
}

/// After chroot(2), and without `/proc`, the namespace counts as the caller's.
#[test]
fn d04_an_unknown_namespace_is_the_callers() {
    ns_testbed::run_as!([Root, Nested], {
        let dir = TempDir::with("chroot", &["tmp"]);
        in_own_mounts(|| {
            // Another mount, whose root is then `/`.
            rustix::mount::mount_bind(dir.path(), dir.path()).expect("bind");
            let plan = plan(Root::current().mount(Mount::tmpfs("/tmp")));
            let before = Leftovers::mountinfo();
            let code = forked(|| {
                rustix::process::chroot(dir.path()).expect("chroot");
                plan.apply().expect("apply");
                0
            });
            assert_eq!(code, 0);
            assert!(Leftovers::mountinfo() == before, "the caller's mounts are unchanged");
        });
    });
}
