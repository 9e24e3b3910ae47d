//! The working directory against the real kernel.

mod common;

use std::env::current_dir;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::Path;

use common::{Folder, in_own_mounts, in_own_pids};
use ns_fs::{Mount, Root, RootError, RootPlan, Step, StepError, Workdir, apply};
use ns_sys::Errno;
use ns_testbed::forked;

fn plan(root: Root, workdir: Workdir) -> RootPlan {
    RootPlan::new(root, workdir).expect("plan")
}

/// A path of the new root, through links of the new root.
#[test]
fn d14_resolved_inside() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("workdir", &["etc/inner"]);
        std::os::unix::fs::symlink("/etc", folder.path().join("link")).expect("symlink");
        let plan = plan(Root::pivot(folder.path()), Workdir::new("/link/inner"));
        in_own_mounts(|| {
            plan.apply().expect("apply");
            assert_eq!(current_dir().expect("getcwd"), Path::new("/etc/inner"));
        });
    });
}

/// A descriptor of the host, reached through proc, leads nowhere; nothing is made there either.
#[test]
fn d14_outside_is_refused() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("workdir", &["proc"]);
        let host = Folder::new("host");
        let outside = File::open(host.path()).expect("open");
        let path = format!("/proc/self/fd/{}", outside.as_raw_fd());
        let wishes = [Workdir::new(&path), Workdir::new(format!("{path}/made")).create()];
        for wish in wishes {
            let root = Root::pivot(folder.path()).mount(Mount::proc("/proc"));
            let plan = plan(root, wish);
            in_own_pids(|| {
                let error = StepError { step: Step::Workdir, errno: Errno::XDEV };
                assert_eq!(plan.apply(), Err(error));
                assert_eq!(current_dir().expect("getcwd"), Path::new("/"), "nobody stays outside");
            });
        }
        assert_eq!(fs::read_dir(host.path()).expect("list").count(), 0);
    });
}

/// In a chroot as well.
#[test]
fn d14_outside_a_chroot_is_refused() {
    ns_testbed::run_as!([Root, Nested], {
        let folder = Folder::with("workdir", &["inner"]);
        let code = forked(|| {
            let outside = File::open("/").expect("open");
            plan(Root::chroot(folder.path()), Workdir::default()).apply().expect("apply");
            rustix::process::fchdir(&outside).expect("fchdir");
            assert_eq!(apply::workdir(c".", false).expect_err("outside").errno, Errno::XDEV);
            assert_eq!(apply::workdir(c"inner", false), Ok(()), "it is at / after a failure");
            0
        });
        assert_eq!(code, 0);
    });
}

/// Missing: an error, or made.
#[test]
fn missing_or_made() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("workdir");
        let root = || Root::pivot(folder.path());
        in_own_mounts(|| {
            let error = plan(root(), Workdir::new("/a/b")).apply().expect_err("missing");
            assert_eq!(error, StepError { step: Step::Workdir, errno: Errno::NOENT });
        });
        in_own_mounts(|| {
            plan(root(), Workdir::new("//a/./b/").create()).apply().expect("made");
            assert_eq!(current_dir().expect("getcwd"), Path::new("/a/b"));
        });
        assert!(folder.path().join("a/b").is_dir());
    });
}

/// Without a new root the working directory stays, unless told.
#[test]
fn the_present_root() {
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

/// Nothing is made outside the root, where a relative path may begin.
#[test]
fn d14_nothing_is_made_outside() {
    ns_testbed::run_as!([Root, Nested], {
        let (folder, outside) = (Folder::new("root"), Folder::new("outside"));
        let code = forked(|| {
            let start = File::open(outside.path()).expect("open");
            plan(Root::chroot(folder.path()), Workdir::default()).apply().expect("apply");
            rustix::process::fchdir(&start).expect("fchdir");
            assert_eq!(apply::workdir(c"made", true).expect_err("outside").errno, Errno::XDEV);
            0
        });
        assert_eq!(code, 0);
        assert!(!outside.path().join("made").exists());
    });
}
