//! What an error of the child says: the path, and what to do.

use std::fs;

use linux_raw_sys::general::{__NR_fspick, __NR_mount_setattr, __NR_move_mount, __NR_open_tree};
use ns_fs::{Mount, MountAttrs, Root, RootPlan, Step, Workdir};
use ns_sys::{Errno, UnshareFlags};
use ns_testbed::{SharedMount, forked};

use crate::fixture::{TempDir, in_own, in_own_mounts, pivot, plan, refuse_all};

/// Applies a plan that fails at this step, and returns the explanation.
fn explained(plan: &RootPlan, step: Step) -> String {
    let error = plan.apply().expect_err("an error");
    assert_eq!(error.step, step, "{error}");
    plan.explain(&error).to_string()
}

/// A missing system call is named with the version that has it, also if only this one is missing.
#[test]
fn b05_a_missing_call_is_named() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("missing", &["mnt"]);
        let mnt = || dir.path().join("mnt");
        let cases = [
            (
                Mount::bind("/", mnt()).recursive(),
                __NR_move_mount,
                "(needs move_mount(2), Linux 5.2)",
            ),
            (
                Mount::bind("/", mnt()).recursive().read_only(),
                __NR_mount_setattr,
                "needs mount_setattr(2), Linux 5.12",
            ),
            (
                Mount::bind("/", mnt()).recursive().read_only(),
                __NR_open_tree,
                "needs mount_setattr(2), Linux 5.12",
            ),
        ];
        for (mount, call, hint) in cases {
            let plan = plan(Root::current().mount(mount));
            in_own_mounts(|| {
                refuse_all(&[call]);
                let text = explained(&plan, Step::Mount(0));
                assert!(text.contains(hint), "{text}");
            });
        }
    });
}

/// To keep a read-only mount of a writable file system, a remount of it needs fspick(2).
#[test]
fn b05_a_remount_of_a_read_only_mount() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("remount", &["mnt"]);
        let mnt = || dir.path().join("mnt");
        let mounts = [
            Mount::tmpfs(mnt()),
            Mount::remount(mnt()).set(MountAttrs::RDONLY),
            Mount::remount(mnt()).data("size=1m"),
        ];
        let plan = plan(Root::current().mounts(mounts));
        in_own_mounts(|| {
            refuse_all(&[__NR_fspick]);
            let text = explained(&plan, Step::Mount(2));
            assert!(text.contains("needs fspick(2), Linux 5.2"), "{text}");
        });
    });
}

/// The working directory is named, with what to do.
#[test]
fn d18_a_working_directory_is_named() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::new("workdir");
        fs::write(dir.path().join("file"), "").expect("write");
        for (path, hint) in [
            ("/none", "let the plan create it"),
            ("/file", "is not a directory"),
            ("/file/below", "is not a directory"),
        ] {
            let plan = RootPlan::new(Root::pivot(dir.path()), Workdir::new(path)).expect("plan");
            in_own_mounts(|| {
                let text = explained(&plan, Step::Workdir);
                assert!(text.starts_with(&format!("working directory {path:?}: ")), "{text}");
                assert!(text.contains(hint), "{text}");
            });
        }
        let read_only = Root::pivot(dir.path()).read_only();
        let plan = RootPlan::new(read_only, Workdir::new("/new").create()).expect("plan");
        in_own_mounts(|| {
            let text = explained(&plan, Step::Workdir);
            assert!(text.contains("its file system is read-only"), "{text}");
        });
    });
}

/// The root is named, by pivot_root(2) and by chroot(2).
#[test]
fn d18_a_root_is_named() {
    ns_testbed::run_as!([Root, User, Nested], {
        for (path, hint) in [("/no/such", "does not exist"), ("/proc/version", "not a directory")] {
            for root in [Root::pivot(path), Root::chroot(path)] {
                let plan = plan(root);
                in_own_mounts(|| {
                    let text = explained(&plan, Step::OpenRoot);
                    assert!(text.starts_with(&format!("root {path:?}: ")), "{text}");
                    assert!(text.contains(hint), "{text}");
                });
            }
        }
    });
}

/// Without privilege, the explanation says which one is needed.
#[test]
fn d18_a_missing_privilege_is_named() {
    ns_testbed::run_as!([User], {
        let mounts = || Root::current().mount(Mount::tmpfs("/tmp"));
        for (root, step, start, hint) in [
            (mounts(), Step::Namespace, "mount namespace: ", "new user namespace"),
            (
                mounts().in_own_namespace(),
                Step::Propagation,
                "propagation of \"/\": ",
                "CAP_SYS_ADMIN",
            ),
            (Root::chroot("/usr"), Step::Chroot, "root \"/usr\": ", "CAP_SYS_CHROOT"),
        ] {
            let plan = plan(root);
            let code = forked(|| {
                let text = explained(&plan, step);
                assert!(text.starts_with(start) && text.contains(hint), "{text}");
                0
            });
            assert_eq!(code, 0);
        }
    });
}

/// A root that is no mount point, as after chroot(2), has no propagation type.
#[test]
fn d18_propagation_after_chroot() {
    ns_testbed::run_as!([Root, Nested], {
        let dir = TempDir::with("jail", &["tmp"]);
        let plan = plan(Root::current().mount(Mount::tmpfs("/tmp")));
        in_own_mounts(|| {
            rustix::process::chroot(dir.path()).expect("chroot");
            let text = explained(&plan, Step::Propagation);
            assert!(text.contains("not a mount point, as after chroot(2)"), "{text}");
        });
    });
}

/// pivot_root(2) refuses a shared mount that the plan was told to leave as it is.
#[test]
fn d18_a_shared_root_is_named() {
    ns_testbed::run_as!([Root, Nested], {
        let shared = SharedMount::new();
        let root = shared.path().join("root");
        fs::create_dir(&root).expect("mkdir");
        let plan = plan(Root::pivot(&root).propagation(None));
        in_own(UnshareFlags::empty(), || {
            let text = explained(&plan, Step::PivotRoot);
            assert!(text.contains("a mount is shared"), "{text}");
        });
    });
}

/// What an option needs is an error that names the target.
#[test]
fn d18_a_root_that_cannot_be_mounted() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::new("none");
        let plan = pivot(&dir, [Mount::new("nosuchfs", "none", "/")]);
        in_own_mounts(|| {
            let error = plan.apply().expect_err("no such file system");
            assert_eq!((error.step, error.errno), (Step::Mount(0), Errno::NODEV));
            assert_eq!(plan.explain(&error).path.as_deref(), Some("/".as_ref()));
        });
    });
}
