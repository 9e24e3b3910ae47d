//! Mounts that become the root.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use linux_raw_sys::general::{__NR_fsopen, __NR_move_mount, __NR_open_tree};
use ns_fs::{Mount, MountAttrs, Root, RootError, RootPlan, Step, Workdir, apply};
use ns_sys::Errno;
use ns_testbed::Leftovers;

use crate::fixture::{TempDir, in_own_mounts, in_own_pids, mounts_at, names, plan, refuse_all};

const OLD: &[u32] = &[__NR_open_tree, __NR_move_mount, __NR_fsopen];

/// An overlay as the root: changes go to the upper directory; also of a root with a path, and by mount(2).
#[test]
fn an_overlay_as_the_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        for missing in [&[][..], OLD] {
            let dir = TempDir::with("overlay", &["one", "two/proc", "up,per", "work", "unused"]);
            let at = |name: &str| dir.path().join(name);
            fs::write(at("one/file"), "one").expect("write");
            fs::write(at("two/file"), "two").expect("write");
            let overlay = || Mount::overlay("/", [at("one"), at("two")], at("up,per"), at("work"));
            for root in [Root::current(), Root::pivot(at("unused"))] {
                let root = root.mount(overlay()).mount(Mount::proc("/proc"));
                let plan = plan(root.mount(Mount::directory("/made")));
                in_own_pids(|| {
                    refuse_all(missing);
                    plan.apply().expect("apply");
                    assert_eq!(fs::read_to_string("/file").expect("read"), "one");
                    fs::write("/new", "text").expect("write");
                    let info = Leftovers::mountinfo();
                    assert_eq!(mounts_at("/", &info)[0][8], "overlay", "{info}");
                    // Needs extended attributes: the directory is opaque.
                    fs::remove_dir("/made").expect("rmdir");
                    fs::create_dir("/made").expect("mkdir");
                });
                assert_eq!(fs::read_to_string(at("up,per/new")).expect("read"), "text");
                assert!(at("up,per/made").exists() && !at("one/made").exists());
            }
            let _ = fs::set_permissions(at("work/work"), fs::Permissions::from_mode(0o700));
        }
    });
}

/// An empty tmpfs as the root, filled by binds and files.
#[test]
fn a_tmpfs_as_the_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        for missing in [&[][..], OLD] {
            let tmpfs = Mount::tmpfs("/").data("mode=755,size=1m").set(MountAttrs::NOATIME);
            let mounts = [
                tmpfs,
                Mount::bind("/usr", "/usr").recursive().read_only_top().create(),
                Mount::symlink("usr/bin", "/bin"),
                Mount::file("/etc/hostname", "box\n"),
                Mount::proc("/proc").create(),
            ];
            let root = mounts.into_iter().fold(Root::current().read_only(), Root::mount);
            let plan = plan(root);
            in_own_pids(|| {
                refuse_all(missing);
                plan.apply().expect("apply");
                assert_eq!(names("/"), ["bin", "etc", "proc", "usr"]);
                assert!(fs::exists("/bin/env").expect("stat"));
                let error = fs::write("/file", "").expect_err("read-only");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
                let info = Leftovers::mountinfo();
                assert_eq!(mounts_at("/", &info)[0][5], "ro,nosuid,nodev,noatime");
            });
        }
    });
}

/// A bind as the root has attributes, and recursion as other binds.
#[test]
fn a_bind_as_the_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        for missing in [&[][..], OLD] {
            let bind =
                Mount::bind("/", "/").recursive().set(MountAttrs::NOSUID | MountAttrs::RDONLY);
            let plan = plan(Root::current().mount(bind));
            in_own_mounts(|| {
                refuse_all(missing);
                plan.apply().expect("apply");
                let info = Leftovers::mountinfo();
                assert!(mounts_at("/", &info)[0][5].starts_with("ro,nosuid"), "{info}");
                assert!(fs::exists("/proc/self").expect("stat"));
            });
        }
    });
}

/// A mount on `/` that is not the first, or below chroot(2), is refused.
#[test]
fn a_root_mount_that_is_not_the_first() {
    ns_testbed::run_as!([Root], {
        let second = Root::current().mount(Mount::tmpfs("/tmp")).mount(Mount::tmpfs("/"));
        let chroot = Root::chroot("/tmp").mount(Mount::tmpfs("/"));
        for root in [second, chroot] {
            let error = RootPlan::new(root, Workdir::default()).expect_err("the root");
            assert!(matches!(error, RootError::Root { .. }), "{error}");
        }
    });
}

/// Between the mounts and the change of root, the new root is the working directory, is writable, and the
/// present root is still reachable.
#[test]
fn the_present_root_is_reachable_after_the_mounts() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("halves", &["data"]);
        let old = fs::metadata("/").expect("stat");
        let root = || Root::pivot(dir.path()).mount(Mount::tmpfs("/data")).read_only();
        for (is_in_place, missing) in [(false, &[][..]), (false, OLD), (true, &[])] {
            let root = if is_in_place { root().in_place() } else { root() };
            let plan = RootPlan::new(root, Workdir::new("/data")).expect("plan");
            in_own_mounts(|| {
                refuse_all(missing);
                let data = plan.apply_data();
                apply::detach(data).expect("detach");
                apply::make_mounts(data).expect("make_mounts");
                let same = |path: &str| {
                    let found = fs::metadata(path).expect("stat");
                    (found.dev(), found.ino()) == (old.dev(), old.ino())
                };
                assert!(same("/") && !same("."));
                fs::write("data/file", "text").expect("the mount");
                fs::write("late", "text").expect("it is not read-only yet");
                let by_path = fs::read(dir.path().join("data/file")).is_ok();
                assert_eq!(by_path, is_in_place);
                apply::enter(data).expect("enter");
                assert_eq!(fs::read("file").expect("the working directory"), b"text");
                assert_eq!(fs::read("/late").expect("read"), b"text");
                fs::write("/later", "text").expect_err("it is read-only");
            });
            fs::remove_file(dir.path().join("late")).expect("remove");
        }
    });
}

/// A root that is bound onto itself may have any name, also that of the present root, and none of its mounts hides
/// a source.
#[test]
fn d16_d17_a_root_in_place_has_any_name_and_hides_no_source() {
    ns_testbed::run_as!([Root, User, Nested], {
        for name in ["/", "//", "/proc/self/root", "/tmp/.."] {
            let root = plan(Root::pivot(name).in_place().mount(Mount::tmpfs("/tmp")));
            in_own_mounts(|| {
                root.apply().expect(name);
                assert!(names("/tmp").is_empty(), "{name}");
            });
        }
        let dir = TempDir::with("place", &["data", "other"]);
        fs::write(dir.path().join("data/file"), "text").expect("write");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(".", &link).expect("symlink");
        let root = Root::pivot(&link).in_place().mount(Mount::tmpfs("/data"));
        let root = plan(root.mount(Mount::bind(dir.path().join("data"), "/other")));
        in_own_mounts(|| {
            root.apply().expect("apply");
            assert!(names("/data").is_empty());
            assert_eq!(names("/other"), ["file"], "the source is hidden");
        });
        let missing = plan(Root::pivot(dir.path().join("none")).in_place());
        in_own_mounts(|| {
            let error = missing.apply().expect_err("it is missing");
            assert_eq!((error.step, error.errno), (Step::OpenRoot, Errno::NOENT));
        });
        let root = plan(Root::pivot(dir.path()).in_place());
        in_own_mounts(|| {
            refuse_all(OLD);
            let error = root.apply().expect_err("it needs open_tree(2)");
            assert_eq!((error.step, error.errno), (Step::OpenRoot, Errno::NOSYS));
        });
    });
}
