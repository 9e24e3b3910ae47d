//! The working directory.

use std::env::current_dir;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::Path;

use ns_fs::{Mount, Root, RootError, RootPlan, Step, StepError, Workdir, apply};
use ns_sys::Errno;
use ns_testbed::forked;

use crate::fixture::{TempDir, in_own_mounts, in_own_pids};

fn plan(root: Root, workdir: Workdir) -> RootPlan {
    RootPlan::new(root, workdir).expect("plan")
}

/// The path is resolved inside the new root, also through symbolic links.
#[test]
fn d14_resolved_inside() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("workdir", &["etc/inner"]);
        std::os::unix::fs::symlink("/etc", dir.path().join("link")).expect("symlink");
        let plan = plan(Root::pivot(dir.path()), Workdir::new("/link/inner"));
        in_own_mounts(|| {
            plan.apply().expect("apply");
            assert_eq!(current_dir().expect("getcwd"), Path::new("/etc/inner"));
        });
    });
}

/// A path through a descriptor of the host, in proc, is an error; nothing is created there.
#[test]
fn d14_outside_is_refused() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("workdir", &["proc"]);
        let host = TempDir::new("host");
        let outside = File::open(host.path()).expect("open");
        let path = format!("/proc/self/fd/{}", outside.as_raw_fd());
        let workdirs = [Workdir::new(&path), Workdir::new(format!("{path}/made")).create()];
        for workdir in workdirs {
            let root = Root::pivot(dir.path()).mount(Mount::proc("/proc"));
            let plan = plan(root, workdir);
            in_own_pids(|| {
                let error = StepError { step: Step::Workdir, errno: Errno::XDEV };
                assert_eq!(plan.apply(), Err(error));
                assert_eq!(
                    current_dir().expect("getcwd"),
                    Path::new("/"),
                    "moved to / after a failure"
                );
            });
        }
        assert_eq!(fs::read_dir(host.path()).expect("list").count(), 0);
    });
}

/// The same in a chroot.
#[test]
fn d14_outside_a_chroot_is_refused() {
    ns_testbed::run_as!([Root, Nested], {
        let dir = TempDir::with("workdir", &["inner"]);
        let code = forked(|| {
            let outside = File::open("/").expect("open");
            plan(Root::chroot(dir.path()), Workdir::default()).apply().expect("apply");
            rustix::process::fchdir(&outside).expect("fchdir");
            assert_eq!(apply::workdir(c".", false).expect_err("outside").errno, Errno::XDEV);
            assert_eq!(apply::workdir(c"inner", false), Ok(()), "moved to / after a failure");
            0
        });
        assert_eq!(code, 0);
    });
}

/// A missing directory is an error, or is created.
#[test]
fn missing_or_created() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::new("workdir");
        let root = || Root::pivot(dir.path());
        in_own_mounts(|| {
            let error = plan(root(), Workdir::new("/a/b")).apply().expect_err("missing");
            assert_eq!(error, StepError { step: Step::Workdir, errno: Errno::NOENT });
        });
        in_own_mounts(|| {
            plan(root(), Workdir::new("//a/./b/").create()).apply().expect("create");
            assert_eq!(current_dir().expect("getcwd"), Path::new("/a/b"));
        });
        assert!(dir.path().join("a/b").is_dir());
    });
}

/// Without a new root the working directory changes only if one is set.
#[test]
fn the_current_root() {
    ns_testbed::run_as!([Root, User], {
        let before = current_dir().expect("getcwd");
        plan(Root::current(), Workdir::default()).apply().expect("nothing to do");
        assert_eq!(current_dir().expect("getcwd"), before);
        plan(Root::current(), Workdir::new("/proc")).apply().expect("chdir");
        assert_eq!(current_dir().expect("getcwd"), Path::new("/proc"));
        let error = RootPlan::new(Root::current(), Workdir::new("")).expect_err("empty");
        assert!(matches!(error, RootError::Empty { .. }));
    });
}

/// Nothing is created outside the root, where a relative path may start.
#[test]
fn d14_nothing_is_created_outside() {
    ns_testbed::run_as!([Root, Nested], {
        let (dir, outside) = (TempDir::new("root"), TempDir::new("outside"));
        let code = forked(|| {
            let start = File::open(outside.path()).expect("open");
            plan(Root::chroot(dir.path()), Workdir::default()).apply().expect("apply");
            rustix::process::fchdir(&start).expect("fchdir");
            assert_eq!(apply::workdir(c"made", true).expect_err("outside").errno, Errno::XDEV);
            0
        });
        assert_eq!(code, 0);
        assert!(!outside.path().join("made").exists());
    });
}

/// A directory whose path is longer than getcwd(2) can return is checked all the same.
#[test]
fn d14_a_path_longer_than_the_kernel_returns() {
    ns_testbed::run_as!([Root, Nested], {
        let (dir, outside) = (TempDir::new("root"), TempDir::new("outside"));
        let code = forked(|| {
            std::env::set_current_dir(outside.path()).expect("chdir");
            enter_deep();
            let deep = File::open(".").expect("open");
            assert_eq!(apply::workdir(c".", false), Ok(()), "inside the current root");
            plan(Root::chroot(dir.path()), Workdir::default()).apply().expect("apply");
            rustix::process::fchdir(&deep).expect("fchdir");
            assert_eq!(apply::workdir(c".", false).expect_err("outside").errno, Errno::XDEV);
            enter_deep();
            assert_eq!(apply::workdir(c".", false), Ok(()), "inside the new root");
            0
        });
        assert_eq!(code, 0);
    });
}

/// Creates and enters directories with a path of 6000 bytes.
fn enter_deep() {
    let name = "n".repeat(199);
    for _ in 0..30 {
        fs::create_dir(&name).expect("mkdir");
        std::env::set_current_dir(&name).expect("chdir");
    }
}
