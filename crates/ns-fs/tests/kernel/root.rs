//! The change of root.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use linux_raw_sys::general::__NR_mount_setattr;
use ns_fs::{Mount, Propagation, Root, RootError, RootPlan, Step, StepError, Workdir};
use ns_sys::{Errno, UnshareFlags};
use ns_testbed::{Leftovers, SharedMount, forked, refuse};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::fixture::{
    TempDir, in_a_user_namespace, in_own, in_own_mounts, in_own_pids, mounts_at, names, pivot, plan,
};

fn inode(path: impl AsRef<Path>) -> (u64, u64) {
    let metadata = fs::metadata(path).expect("stat");
    (metadata.dev(), metadata.ino())
}

/// Asserts that the root and the working directory are the directory with this inode, and that `..` does
/// not leave it.
fn assert_root(expected: (u64, u64)) {
    assert_eq!(inode("/"), expected);
    assert_eq!(inode("."), expected);
    assert_eq!(inode("../".repeat(20)), expected);
}

/// A directory that is no mount point, with a space in its name.
#[test]
fn d01_pivot_takes_the_working_directory_along() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("root", &["inside"]);
        let plan = plan(Root::pivot(dir.path()));
        in_own_mounts(|| {
            let expected = inode(dir.path());
            plan.apply().expect("apply");
            assert_root(expected);
            assert_eq!(names("/"), ["inside"]);
        });
    });
}

/// chroot changes the working directory too.
#[test]
fn d01_chroot_takes_the_working_directory_along() {
    ns_testbed::run_as!([Root, Nested], {
        let dir = TempDir::with("root", &["inside"]);
        let plan = plan(Root::chroot(dir.path()));
        let code = forked(|| {
            let expected = inode(dir.path());
            plan.apply().expect("apply");
            assert_root(expected);
            assert_eq!(names("/"), ["inside"]);
            0
        });
        assert_eq!(code, 0);
    });
}

/// Below a shared mount, neither the bind nor the unmount of the old root propagates to the host.
#[test]
fn d04_a_shared_parent() {
    ns_testbed::run_as!([Root, Nested], {
        let shared = SharedMount::new();
        let root = shared.path().join("root");
        fs::create_dir(&root).expect("mkdir");
        for propagation in [Propagation::Private, Propagation::Slave] {
            let pivot = Root::pivot(&root).propagation(propagation);
            let plan = plan(pivot.mount(Mount::tmpfs("t").create()));
            let before = Leftovers::mountinfo();
            in_own_mounts(|| {
                plan.apply().expect("apply");
                assert_eq!(names("/"), ["t"]);
            });
            assert_eq!(before, Leftovers::mountinfo(), "{propagation:?}");
        }
        // Without the propagation step, pivot_root(2) refuses the shared mount.
        let plan = plan(Root::pivot(&root).propagation(None));
        in_own(UnshareFlags::empty(), || {
            let error = plan.apply().expect_err("shared");
            assert_eq!(error, StepError { step: Step::PivotRoot, errno: Errno::INVAL });
        });
    });
}

/// Unmounting the old tree does not propagate to the host, even without a propagation step.
#[test]
fn d07_unmount_of_the_old_root_does_not_propagate() {
    ns_testbed::run_as!([Root, Nested], {
        let shared = SharedMount::new();
        let inner = shared.path().join("inner");
        fs::create_dir(&inner).expect("mkdir");
        mount("none", &inner, "tmpfs", MountFlags::empty(), None).expect("mount");
        let dir = TempDir::new("alone");
        let plan = plan(Root::pivot(dir.path()).propagation(None));
        let before = Leftovers::mountinfo();
        in_own(UnshareFlags::empty(), || plan.apply().expect("apply"));
        assert_eq!(before, Leftovers::mountinfo());
        unmount(&inner, UnmountFlags::empty()).expect("unmount");
    });
}

/// pivot_root(2) of the initial ramfs is an error.
#[test]
fn d04_initramfs() {
    ns_testbed::run_as!([Root], {
        in_own_mounts(|| {
            let own = File::open("/proc/self/ns/mnt").expect("open");
            ns_fs::apply::propagation(Propagation::Private).expect("private");
            unmount("/", UnmountFlags::DETACH).expect("detach");
            // setns(2) to the process's own mount namespace sets the root to the initial ramfs.
            ns_sys::setns(own.as_fd(), Some(ns_sys::Namespace::Mnt)).expect("setns");
            let directories = ["/root", "/dev"].map(Path::new);
            let target = directories.into_iter().find(|path| path.is_dir());
            let target = target.expect("a directory to mount on");
            mount("none", target, "tmpfs", MountFlags::empty(), None).expect("tmpfs");
            let root = target.join("new");
            fs::create_dir(&root).expect("mkdir");
            let error = plan(Root::pivot(&root)).apply().expect_err("initial ramfs");
            assert_eq!(error, StepError { step: Step::PivotRoot, errno: Errno::INVAL });
        });
    });
}

/// mountinfo lists the new root and its mounts, and no mount of the host.
#[test]
fn d05_nothing_of_the_old_root_is_left() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("root", &["proc"]);
        let plan = pivot(&dir, [Mount::proc("/proc")]);
        in_own_pids(|| {
            plan.apply().expect("apply");
            let info = Leftovers::mountinfo();
            assert_eq!(mounts_at("/", &info).len(), 1, "{info}");
            assert_eq!(info.lines().count(), 2, "{info}");
        });
    });
}

/// The root is read-only, by mount_setattr(2) or by a remount.
#[test]
fn d12_read_only_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        for old in [false, true] {
            let dir = TempDir::with("root", &["proc"]);
            let plan = plan(Root::pivot(dir.path()).mount(Mount::proc("/proc")).read_only());
            in_own_pids(|| {
                if old {
                    refuse(__NR_mount_setattr, Errno::NOSYS);
                }
                plan.apply().expect("apply");
                let error = fs::write("/file", "").expect_err("read-only");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
            });
        }
    });
}

/// The root lies on a mount with locked flags, which a remount must repeat.
#[test]
fn d12_locked_flags_are_kept() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::new("locked");
        for old in [false, true] {
            in_own_mounts(|| {
                let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
                mount("none", dir.path(), "tmpfs", flags, None).expect("tmpfs");
                fs::create_dir(dir.path().join("proc")).expect("mkdir");
                let plan = plan(Root::pivot(dir.path()).mount(Mount::proc("proc")).read_only());
                // A new user namespace locks the flags of inherited mounts.
                in_a_user_namespace(|| {
                    if old {
                        refuse(__NR_mount_setattr, Errno::NOSYS);
                    }
                    plan.apply().expect("apply");
                    let info = Leftovers::mountinfo();
                    let options = &mounts_at("/", &info)[0][5];
                    assert!(options.starts_with("ro,nosuid,nodev,noexec"), "{options}");
                });
            });
        }
    });
}

/// The current root can be the new root, read-only and with new mounts.
#[test]
fn d04_pivot_to_the_current_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::new("current");
        let target = dir.path().to_owned();
        let plan = plan(Root::pivot("/").mount(Mount::tmpfs(&target)).read_only());
        in_own_mounts(|| {
            plan.apply().expect("apply");
            fs::write(target.join("file"), "text").expect("write to the tmpfs");
            let error = fs::write("/file", "").expect_err("read-only");
            assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
        });
        assert!(!target.join("file").exists());
    });
}

/// A relative root starts at the working directory at the time the plan is made.
#[test]
fn d15_a_relative_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("relative", &["a/new root/inside", "b"]);
        in_own_mounts(|| {
            std::env::set_current_dir(dir.path().join("a")).expect("chdir");
            let plan = plan(Root::pivot("new root"));
            std::env::set_current_dir(dir.path().join("b")).expect("chdir");
            plan.apply().expect("apply");
            assert_eq!(names("/"), ["inside"]);
        });
    });
}

/// A path of about 3800 bytes works; one of 4096 bytes is an error.
#[test]
fn long_paths() {
    ns_testbed::run_as!([Root, User], {
        let dir = TempDir::new("long");
        let long = (0..15).fold(dir.path().to_owned(), |path, _| path.join("x".repeat(250)));
        fs::create_dir_all(long.join("inside")).expect("mkdir");
        let plan = plan(Root::pivot(&long));
        in_own_mounts(|| {
            plan.apply().expect("apply");
            assert_eq!(names("/"), ["inside"]);
        });
        let error = RootPlan::new(Root::pivot("x".repeat(4096)), Workdir::default());
        assert!(matches!(error, Err(RootError::TooLong { .. })));
    });
}

/// The error of a failed step names the step.
#[test]
fn errors_name_the_step() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::new("steps");
        fs::write(dir.path().join("file"), "").expect("write");
        let assert_error = |root: Root, step, errno| {
            let plan = plan(root.propagation(None));
            in_own_mounts(|| assert_eq!(plan.apply(), Err(StepError { step, errno })));
        };
        let pivot = || Root::pivot(dir.path());
        assert_error(Root::pivot("/nonexistent"), Step::OpenRoot, Errno::NOENT);
        let file = Root::chroot(dir.path().join("file"));
        assert_error(file, Step::OpenRoot, Errno::NOTDIR);
        let missing = pivot().mount(Mount::tmpfs("missing"));
        assert_error(missing, Step::MountTarget(0), Errno::NOENT);
        let missing = pivot().mount(Mount::bind("/nonexistent", "file"));
        assert_error(missing, Step::MountSource { mount: 0, source: 0 }, Errno::NOENT);
    });
}
