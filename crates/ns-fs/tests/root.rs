//! The change of root against the real kernel.

mod common;

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use common::{
    Folder, in_a_user_namespace, in_own, in_own_mounts, in_own_pids, mounts_at, names, pivot, plan,
};
use linux_raw_sys::general::__NR_mount_setattr;
use ns_fs::{Mount, Propagation, Root, RootError, RootPlan, Step, StepError, Workdir};
use ns_sys::{Errno, UnshareFlags};
use ns_testbed::{Leftovers, SharedMount, forked, refuse};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

fn inode(path: impl AsRef<Path>) -> (u64, u64) {
    let metadata = fs::metadata(path).expect("stat");
    (metadata.dev(), metadata.ino())
}

/// The root of this process is the directory with that inode, and its working directory too, and
/// `..` leads nowhere.
fn assert_root(wanted: (u64, u64)) {
    assert_eq!(inode("/"), wanted);
    assert_eq!(inode("."), wanted);
    assert_eq!(inode("../".repeat(20)), wanted);
}

/// A plain directory, with a space in its name.
#[test]
fn d01_pivot_takes_the_working_directory_along() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("root", &["inside"]);
        let plan = plan(Root::pivot(folder.path()));
        in_own_mounts(|| {
            let wanted = inode(folder.path());
            plan.apply().expect("apply");
            assert_root(wanted);
            assert_eq!(names("/"), ["inside"]);
        });
    });
}

/// chroot too.
#[test]
fn d01_chroot_takes_the_working_directory_along() {
    ns_testbed::run_as!([Root, Nested], {
        let folder = Folder::with("root", &["inside"]);
        let plan = plan(Root::chroot(folder.path()));
        let code = forked(|| {
            let wanted = inode(folder.path());
            plan.apply().expect("apply");
            assert_root(wanted);
            assert_eq!(names("/"), ["inside"]);
            0
        });
        assert_eq!(code, 0);
    });
}

/// Below a shared mount; neither the bind nor the unmount of the old root travels out.
#[test]
fn d04_a_shared_parent() {
    ns_testbed::run_as!([Root, Nested], {
        let shared = SharedMount::new();
        let root = shared.path().join("root");
        fs::create_dir(&root).expect("mkdir");
        for wish in [Propagation::Private, Propagation::Slave] {
            let plan = plan(Root::pivot(&root).propagation(wish).mount(Mount::tmpfs("t").create()));
            let before = Leftovers::mountinfo();
            in_own_mounts(|| {
                plan.apply().expect("apply");
                assert_eq!(names("/"), ["t"]);
            });
            assert_eq!(before, Leftovers::mountinfo(), "{wish:?}");
        }
        // Without the step, pivot_root refuses: the test bed is right.
        let plan = plan(Root::pivot(&root).propagation(None));
        in_own(UnshareFlags::empty(), || {
            let error = plan.apply().expect_err("shared");
            assert_eq!(error, StepError { step: Step::PivotRoot, errno: Errno::INVAL });
        });
    });
}

/// What is mounted on a shared mount of the old tree stays mounted outside, also where nobody said how
/// mounts travel.
#[test]
fn d07_the_old_tree_goes_alone() {
    ns_testbed::run_as!([Root, Nested], {
        let shared = SharedMount::new();
        let inner = shared.path().join("inner");
        fs::create_dir(&inner).expect("mkdir");
        mount("none", &inner, "tmpfs", MountFlags::empty(), None).expect("mount");
        let folder = Folder::new("alone");
        let plan = plan(Root::pivot(folder.path()).propagation(None));
        let before = Leftovers::mountinfo();
        in_own(UnshareFlags::empty(), || plan.apply().expect("apply"));
        assert_eq!(before, Leftovers::mountinfo());
        unmount(&inner, UnmountFlags::empty()).expect("unmount");
    });
}

/// The initial ramfs cannot be left, and the step says so.
#[test]
fn d04_initramfs() {
    ns_testbed::run_as!([Root], {
        in_own_mounts(|| {
            let own = File::open("/proc/self/ns/mnt").expect("open");
            let folder = PathBuf::from("/root");
            ns_fs::apply::propagation(Propagation::Private).expect("private");
            unmount("/", UnmountFlags::DETACH).expect("detach");
            // Joining the own mount namespace leads to its lowest root: the initial one.
            ns_sys::setns(own.as_fd(), Some(ns_sys::Namespace::Mnt)).expect("setns");
            let place =
                [folder.as_path(), Path::new("/dev")].into_iter().find(|path| path.is_dir());
            let place = place.expect("the initial root has a folder to mount on");
            mount("none", place, "tmpfs", MountFlags::empty(), None).expect("tmpfs");
            let root = place.join("new");
            fs::create_dir(&root).expect("mkdir");
            let error = plan(Root::pivot(&root)).apply().expect_err("the initial root");
            assert_eq!(error, StepError { step: Step::PivotRoot, errno: Errno::INVAL });
        });
    });
}

/// One root mount is left, and nothing of the host.
#[test]
fn d05_nothing_of_the_old_root_is_left() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("root", &["proc"]);
        let plan = pivot(&folder, [Mount::proc("/proc")]);
        in_own_pids(|| {
            plan.apply().expect("apply");
            let info = Leftovers::mountinfo();
            assert_eq!(mounts_at("/", &info).len(), 1, "{info}");
            assert_eq!(info.lines().count(), 2, "{info}");
        });
    });
}

/// Read-only by either call; flags that a user namespace may not drop stay.
#[test]
fn d12_read_only_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        for old in [false, true] {
            let folder = Folder::with("root", &["proc"]);
            let plan = plan(Root::pivot(folder.path()).mount(Mount::proc("/proc")).read_only());
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

/// The root lies on a mount with flags that are locked inside: a remount has to name them.
#[test]
fn d12_locked_flags_are_kept() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("locked");
        for old in [false, true] {
            in_own_mounts(|| {
                let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
                mount("none", folder.path(), "tmpfs", flags, None).expect("tmpfs");
                fs::create_dir(folder.path().join("proc")).expect("mkdir");
                let plan = plan(Root::pivot(folder.path()).mount(Mount::proc("proc")).read_only());
                // A user namespace inside locks what it inherits.
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

/// The present root can be the new one, with mounts of its own and read-only.
#[test]
fn d04_the_present_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("present");
        let target = folder.path().to_owned();
        let plan = plan(Root::pivot("/").mount(Mount::tmpfs(&target)).read_only());
        in_own_mounts(|| {
            plan.apply().expect("apply");
            fs::write(target.join("file"), "kept").expect("a mount of its own");
            let error = fs::write("/file", "").expect_err("read-only");
            assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
        });
        assert!(!target.join("file").exists());
    });
}

/// Relative to where the plan was made, wherever it is applied.
#[test]
fn d15_a_relative_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("relative", &["a/new root/inside", "b"]);
        in_own_mounts(|| {
            std::env::set_current_dir(folder.path().join("a")).expect("chdir");
            let plan = plan(Root::pivot("new root"));
            std::env::set_current_dir(folder.path().join("b")).expect("chdir");
            plan.apply().expect("apply");
            assert_eq!(names("/"), ["inside"]);
        });
    });
}

/// Far longer than 256 bytes, and as long as the kernel takes.
#[test]
fn long_paths() {
    ns_testbed::run_as!([Root, User], {
        let folder = Folder::new("long");
        let long = (0..15).fold(folder.path().to_owned(), |path, _| path.join("x".repeat(250)));
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

/// Mistakes of a plan, before any system call.
#[test]
fn mistakes_are_told_first() {
    let told = |root| RootPlan::new(root, Workdir::default()).expect_err("a mistake").to_string();
    assert_eq!(told(Root::pivot("")), "root: is empty");
    assert_eq!(told(Root::chroot("/a\0b")), "root: /a\0b has a NUL in it");
    assert!(told(Root::chroot("/").read_only()).starts_with("read_only: only a pivoted root"));
    let shared = Root::pivot("/x").propagation(Propagation::Shared);
    assert!(told(shared).starts_with("propagation: a pivoted root cannot be shared"));
    let with = |mount| told(Root::pivot("/x").mount(Mount::proc("/proc")).mount(mount));
    assert_eq!(with(Mount::tmpfs("/")), "mount 1: target: is empty");
    assert_eq!(with(Mount::tmpfs("/a/../b")), "mount 1: target: /a/../b has a `..` in it");
    assert_eq!(with(Mount::bind("", "/a")), "mount 1: source: is empty");
    assert_eq!(with(Mount::tmpfs("t").data("a\0")), "mount 1: data: a\0 has a NUL in it");
}

/// What fails in the child says which step.
#[test]
fn steps_name_themselves() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("steps");
        fs::write(folder.path().join("file"), "").expect("write");
        let assert_told = |root: Root, step, errno| {
            let plan = plan(root.propagation(None));
            in_own_mounts(|| assert_eq!(plan.apply(), Err(StepError { step, errno })));
        };
        let pivot = || Root::pivot(folder.path());
        assert_told(Root::pivot("/nonexistent"), Step::OpenRoot, Errno::NOENT);
        let file = Root::chroot(folder.path().join("file"));
        assert_told(file, Step::OpenRoot, Errno::NOTDIR);
        let missing = pivot().mount(Mount::tmpfs("missing"));
        assert_told(missing, Step::MountTarget(0), Errno::NOENT);
        let missing = pivot().mount(Mount::bind("/nonexistent", "file"));
        assert_told(missing, Step::Mount(0), Errno::NOENT);
    });
}

/// The calls of a plan, in order.
#[test]
fn a_plan_describes_itself() {
    let root = Root::pivot("/new root").mount(Mount::proc("/proc")).read_only();
    let plan = RootPlan::new(root, Workdir::new("/home")).expect("plan");
    let wished = [
        r#"mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)"#,
        r#"mount("/new root", "/new root", NULL, MS_BIND | MS_REC, NULL)"#,
        r#"chdir("/new root")"#,
        r#"openat(".", O_PATH)"#,
        r#"openat2(root, "proc", RESOLVE_IN_ROOT)"#,
        "statx(root)",
        "statx(target)",
        r#"openat(".", O_PATH)"#,
        "fchdir(target)",
        r#"mount("proc", ".", "proc", MountFlags(NODEV | NOEXEC | NOSUID), NULL)"#,
        "fchdir(back)",
        r#"mount_setattr(".", MOUNT_ATTR_RDONLY)"#,
        r#"pivot_root(".", ".")"#,
        r#"mount(NULL, "..", NULL, MS_REC | MS_SLAVE, NULL)"#,
        r#"umount2(".", MNT_DETACH)"#,
        r#"chdir("/")"#,
        r#"chdir("/home")"#,
        "getcwd()",
    ];
    assert_eq!(plan.describe().lines().collect::<Vec<_>>(), wished);
    assert!(format!("{plan:?}").contains("getcwd()"));
}
