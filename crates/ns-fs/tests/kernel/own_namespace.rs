//! The mount namespace in which a plan is applied.
#![allow(unsafe_code, reason = "pre_exec")]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use linux_raw_sys::general::__NR_openat;
use ns_fs::{Mount, Propagation, Root, RootPlan, Step, StepError, Workdir};
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

/// Only a plan that changes mounts finds out in which mount namespace it is made.
#[test]
fn d04_a_plan_without_mounts_opens_no_file() {
    ns_testbed::run_as!([Root, User, Nested], {
        let plan = |root| drop(RootPlan::new(root, Workdir::new("/bin")).expect("plan"));
        let without = || {
            plan(Root::current());
            plan(Root::chroot("/usr"));
            plan(Root::pivot("/usr").mount(Mount::proc("/proc")).in_own_namespace());
        };
        assert_eq!(opens(without), 0);
        assert!(opens(|| plan(Root::pivot("/usr"))) > 0);
        assert!(opens(|| plan(Root::current().propagation(Propagation::Private))) > 0);
        assert!(opens(|| plan(Root::current().mount(Mount::tmpfs("/tmp")))) > 0);
    });
}

/// The number of files that `body` opens in a forked child.
fn opens(body: impl FnOnce()) -> usize {
    let code = forked(|| {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let look = move |_, _| {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        ns_testbed::observed(&[__NR_openat.into()], look, || {
            body();
            i32::try_from(count.load(Ordering::Relaxed)).expect("few")
        })
    });
    usize::try_from(code).expect("a count")
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
