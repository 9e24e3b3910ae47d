//! Files, directories, links, devices, masks and remounts.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};

use linux_raw_sys::general::{__NR_mount_setattr, __NR_move_mount, __NR_open_tree};
use ns_fs::{DeviceKind, Mount, MountAttrs, Propagation, Step, StepError};
use ns_sys::Errno;
use ns_testbed::{Leftovers, Role, role};
use rustix::fs::{major, minor};

use crate::fixture::{TempDir, in_own_mounts, in_own_pids, mounts_at, pivot, refuse_all};

/// Entries are created with their directories, modes and contents, whatever the umask.
#[test]
fn entries_are_created() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::new("entries");
        let long = vec![7_u8; 300_000];
        let mounts = [
            Mount::directory("/a/b").mode(0o1777),
            Mount::directory("/a"),
            Mount::directory("/uid").mode(0o4755),
            Mount::directory("/gid").mode(0o2611),
            Mount::file("/etc/motd", "hi\0there"),
            Mount::file("/long", long.clone()).mode(0o600),
            Mount::symlink("/etc/motd", "/a/link"),
            Mount::symlink("/etc/motd", "/a/link"),
        ];
        let plan = pivot(&dir, mounts);
        in_own_mounts(|| {
            rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
            plan.apply().expect("apply");
            assert_eq!(fs::read("/a/link").expect("read"), b"hi\0there");
            assert_eq!(fs::read("/long").expect("read"), long);
            let directories = [("/a/b", 0o1777), ("/uid", 0o4755), ("/gid", 0o2611)];
            let files = [("/etc/motd", 0o644), ("/long", 0o600)];
            for (path, mode) in directories.into_iter().chain(files) {
                assert_eq!(fs::metadata(path).expect("stat").mode() & 0o7777, mode, "{path}");
            }
            let mask = rustix::process::umask(rustix::fs::Mode::empty());
            assert_eq!(mask.bits(), 0o77, "the umask is restored");
        });
    });
}

/// What is there already is not replaced, and no link is followed out of the root.
#[test]
fn d13_entries_replace_nothing() {
    ns_testbed::run_as!([Root, User, Nested], {
        let host = TempDir::new("host");
        let dir = TempDir::with("taken", &["directory"]);
        fs::write(dir.path().join("file"), "old").expect("write");
        symlink(host.path(), dir.path().join("out")).expect("symlink");
        symlink(host.path().join("new"), dir.path().join("dangling")).expect("symlink");
        let taken = [
            Mount::file("/file", "new"),
            Mount::file("/dangling", "new"),
            Mount::directory("/file"),
            Mount::directory("/dangling"),
            Mount::symlink("elsewhere", "/file"),
            Mount::symlink("elsewhere", "/out"),
        ];
        for mount in taken {
            let plan = pivot(&dir, [mount]);
            in_own_mounts(|| {
                let error = StepError { step: Step::Mount(0), errno: Errno::EXIST };
                assert_eq!(plan.apply(), Err(error));
            });
        }
        let plan = pivot(&dir, [Mount::file("/out/new", "text")]);
        in_own_mounts(|| {
            let error = StepError { step: Step::MountTarget(0), errno: Errno::NOENT };
            assert_eq!(plan.apply(), Err(error));
        });
        assert_eq!(fs::read_to_string(dir.path().join("file")).expect("read"), "old");
        assert_eq!(fs::read_dir(host.path()).expect("list").count(), 0);
    });
}

/// Devices are made, or bound from the caller where a user namespace may not make them.
#[test]
fn devices() {
    ns_testbed::run_as!([Root, User, Nested], {
        for missing in [&[][..], &[__NR_open_tree, __NR_move_mount]] {
            let dir = TempDir::with("devices", &["proc"]);
            let null = || Mount::device("/dev/null", DeviceKind::Character, 1, 3).mode(0o622);
            let mounts = [Mount::proc("/proc"), null().owner(0, 0), null()];
            let plan = pivot(&dir, mounts);
            in_own_pids(|| {
                refuse_all(missing);
                plan.apply().expect("apply");
                let file = fs::metadata("/dev/null").expect("stat");
                assert!(file.file_type().is_char_device());
                assert_eq!((major(file.rdev()), minor(file.rdev())), (1, 3));
                let is_bound = !mounts_at("/dev/null", &Leftovers::mountinfo()).is_empty();
                assert_eq!(is_bound, role() != Role::Root);
                if !is_bound {
                    assert_eq!(file.mode() & 0o7777, 0o622);
                }
            });
        }
        let dir = TempDir::new("devices");
        let other = pivot(&dir, [Mount::device("/dev/zero", DeviceKind::Character, 1, 3)]);
        in_own_mounts(|| match other.apply() {
            Ok(()) => assert_eq!(role(), Role::Root),
            Err(error) => {
                let step = Step::MountSource { mount: 0, source: 0 };
                assert_eq!(error, StepError { step, errno: Errno::NODEV });
            }
        });
    });
}

/// Masked paths are empty and read-only; a path that is missing is skipped.
#[test]
fn masks_hide_files_and_directories() {
    ns_testbed::run_as!([Root, User, Nested], {
        for missing in [&[][..], &[__NR_open_tree, __NR_move_mount]] {
            let dir = TempDir::with("masks", &["secret/inner", "proc"]);
            fs::write(dir.path().join("file"), "secret").expect("write");
            let masks = ["/secret", "/file", "/none", "/proc/cmdline"].map(Mount::mask);
            let mounts = [Mount::proc("/proc")].into_iter().chain(masks);
            let plan = pivot(&dir, mounts);
            in_own_pids(|| {
                refuse_all(missing);
                plan.apply().expect("apply");
                assert_eq!(fs::read_dir("/secret").expect("list").count(), 0);
                let error = fs::write("/secret/file", "").expect_err("read-only");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
                for file in ["/file", "/proc/cmdline"] {
                    assert_eq!(fs::read_to_string(file).expect("read"), "", "{file}");
                }
            });
            assert!(!dir.path().join("none").exists());
        }
    });
}

/// A mask by a device that only looks like `/dev/null` is refused.
#[test]
fn a_mask_is_the_real_null() {
    ns_testbed::run_as!([Root, Nested], {
        let dir = TempDir::new("null");
        fs::write(dir.path().join("file"), "secret").expect("write");
        fs::write(dir.path().join("null"), "not null").expect("write");
        let plan = pivot(&dir, [Mount::mask("/file")]);
        in_own_mounts(|| {
            ns_fs::apply::propagation(Propagation::Private).expect("private");
            rustix::mount::mount_bind(dir.path().join("null"), "/dev/null").expect("bind");
            let step = Step::MountSource { mount: 0, source: 0 };
            let error = StepError { step, errno: Errno::NODEV };
            assert_eq!(plan.apply(), Err(error));
            let text = plan.explain(&error).to_string();
            assert!(text.contains("null device \"/dev/null\""), "{text}");
        });
    });
}

/// A path is read-only with what is mounted below it; the rest stays writable.
#[test]
fn d19_a_read_only_path() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("paths", &["data/below", "free"]);
        let mounts = [
            Mount::tmpfs("/data/below"),
            Mount::read_only_path("/data"),
            Mount::read_only_path("/none"),
        ];
        let plan = pivot(&dir, mounts);
        in_own_mounts(|| {
            plan.apply().expect("apply");
            for path in ["/data/file", "/data/below/file"] {
                let error = fs::write(path, "").expect_err("read-only");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem, "{path}");
            }
            fs::write("/free/file", "").expect("write");
        });
    });
}

/// A file is read-only on an older kernel too: nothing is mounted below it.
#[test]
fn d19_a_read_only_file_by_each_fallback() {
    ns_testbed::run_as!([Root, User, Nested], {
        for missing in [&[__NR_mount_setattr][..], &[__NR_mount_setattr, __NR_open_tree]] {
            let dir = TempDir::with("file", &["proc"]);
            fs::write(dir.path().join("file"), "").expect("write");
            let plan = pivot(&dir, [Mount::proc("/proc"), Mount::read_only_path("/file")]);
            in_own_pids(|| {
                refuse_all(missing);
                plan.apply().expect("apply");
                let error = fs::write("/file", "new").expect_err("read-only");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
            });
        }
    });
}

/// Read-only for the topmost mount, or for the whole tree.
#[test]
fn d19_read_only_for_the_mount_or_the_tree() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("both", &["source/below", "tree", "top"]);
        in_own_mounts(|| {
            let source = dir.path().join("source");
            let mounts = [
                Mount::tmpfs(source.join("below")),
                Mount::bind(&source, dir.path().join("tree")).recursive().read_only(),
                Mount::bind(&source, dir.path().join("top")).recursive().read_only_top(),
            ];
            let root = mounts.into_iter().fold(ns_fs::Root::current(), ns_fs::Root::mount);
            crate::fixture::plan(root).apply().expect("apply");
            let is_read_only = |path| fs::write(dir.path().join(path), "").is_err();
            let paths = ["tree/file", "tree/below/file", "top/file", "top/below/file"];
            assert_eq!(paths.map(is_read_only), [true, true, true, false]);
        });
    });
}

/// What is mounted already is changed: attributes, propagation, and the options of the file system.
#[test]
fn remounts() {
    ns_testbed::run_as!([Root, User, Nested], {
        for missing in [&[][..], &[__NR_mount_setattr]] {
            let dir = TempDir::with("remount", &["data", "proc"]);
            let mounts = [
                Mount::proc("/proc"),
                Mount::tmpfs("/data").data("size=1m").set(MountAttrs::NOATIME),
                Mount::remount("/data").clear(MountAttrs::NODEV | MountAttrs::NOATIME),
                Mount::remount("/data").set(MountAttrs::NOEXEC | MountAttrs::NODIRATIME),
                Mount::remount("/data").data("size=2m"),
                Mount::propagation("/data", Propagation::Shared),
                Mount::remount("/").set(MountAttrs::NOSUID),
            ];
            let plan = pivot(&dir, mounts);
            in_own_pids(|| {
                refuse_all(missing);
                plan.apply().expect("apply");
                let info = Leftovers::mountinfo();
                let data = &mounts_at("/data", &info)[0];
                assert_eq!(data[5], "rw,nosuid,noexec,nodiratime,relatime");
                assert!(data[6].starts_with("shared:"), "{data:?}");
                assert!(info.contains("size=2048k"), "{info}");
                assert!(mounts_at("/", &info)[0][5].contains("nosuid"), "{info}");
            });
        }
    });
}

/// A remount with options of the file system also changes the mounts below, and the propagation.
#[test]
fn d19_a_remount_of_a_tree_with_options() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("options", &["data", "proc"]);
        let remount = Mount::remount("/data").data("size=2m").recursive().read_only();
        let mounts = [
            Mount::proc("/proc"),
            Mount::tmpfs("/data"),
            Mount::tmpfs("/data/below").create(),
            remount.with_propagation(Propagation::Shared),
        ];
        let plan = pivot(&dir, mounts);
        in_own_pids(|| {
            plan.apply().expect("apply");
            let info = Leftovers::mountinfo();
            let data = &mounts_at("/data", &info)[0];
            assert!(data[5].starts_with("ro,") && data[6].starts_with("shared:"), "{data:?}");
            assert!(mounts_at("/data/below", &info)[0][5].starts_with("ro,"), "{info}");
            assert!(info.contains("size=2048k"), "{info}");
        });
    });
}

/// A change of what is not a mount says so.
#[test]
fn d18_a_change_of_no_mount_point() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("none", &["data"]);
        let changes = [
            Mount::remount("/data").set(MountAttrs::NOSUID),
            Mount::propagation("/data", Propagation::Slave),
        ];
        for change in changes {
            let plan = pivot(&dir, [change]);
            in_own_mounts(|| {
                let error = StepError { step: Step::Mount(0), errno: Errno::INVAL };
                assert_eq!(plan.apply(), Err(error));
                let text = plan.explain(&error).to_string();
                assert!(text.contains("it is not a mount point"), "{text}");
            });
        }
    });
}

/// The last change of an attribute applies, in whichever setter.
#[test]
fn the_last_change_of_an_attribute_applies() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("last", &["source", "a", "b", "c", "proc"]);
        let bind = |target| Mount::bind(dir.path().join("source"), target).recursive();
        let mounts = [
            Mount::proc("/proc"),
            bind("/a").clear(MountAttrs::RDONLY).read_only(),
            bind("/b").clear_all(MountAttrs::RDONLY).read_only(),
            bind("/c").read_only().clear(MountAttrs::RDONLY),
        ];
        let plan = pivot(&dir, mounts);
        in_own_pids(|| {
            plan.apply().expect("apply");
            let info = Leftovers::mountinfo();
            let is_read_only = |path| mounts_at(path, &info)[0][5].starts_with("ro");
            assert_eq!(["/a", "/b", "/c"].map(is_read_only), [true, true, false]);
        });
    });
}

/// New options of a file system do not make it read-only where only a mount of it is.
#[test]
fn options_through_a_read_only_mount() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("options", &["a", "b"]);
        let at = |name: &str| dir.path().join(name);
        let mounts = [
            Mount::tmpfs(at("a")),
            Mount::bind(at("a"), at("b")).source_in_root().read_only(),
            Mount::remount(at("b")).data("size=2m"),
        ];
        let plan = crate::fixture::plan(
            mounts.into_iter().fold(ns_fs::Root::current(), ns_fs::Root::mount),
        );
        in_own_mounts(|| {
            plan.apply().expect("apply");
            fs::write(at("a/file"), "").expect("the file system is writable");
            fs::write(at("b/file"), "").expect_err("the mount is read-only");
        });
    });
}

/// A device is bound again on the file that an earlier process has left.
#[test]
fn a_device_of_a_second_process() {
    ns_testbed::run_as!([User, Nested], {
        let dir = TempDir::new("second");
        for _ in 0..2 {
            let plan = pivot(&dir, [Mount::device("/dev/null", DeviceKind::Character, 1, 3)]);
            in_own_mounts(|| {
                plan.apply().expect("apply");
                assert!(fs::metadata("/dev/null").expect("stat").file_type().is_char_device());
            });
        }
    });
}

/// An optional `/dev` is skipped as a whole, and one with read-only for all is complete.
#[test]
fn an_optional_dev() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("optional", &["made"]);
        let dev = Mount::dev("/made").set_all(MountAttrs::RDONLY);
        let plan = pivot(&dir, [Mount::dev("/dev").optional(), dev]);
        in_own_mounts(|| {
            plan.apply().expect("apply");
            fs::write("/made/null", "text").expect("write");
            fs::write("/made/file", "text").expect_err("read-only");
        });
        assert!(!dir.path().join("dev").exists());
    });
}

/// A file that could not be written whole is not left behind.
#[test]
fn a_file_without_space() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("full", &["small"]);
        let mounts =
            [Mount::tmpfs("/small").data("size=64k"), Mount::file("/small/file", vec![1; 200_000])];
        let plan = pivot(&dir, mounts);
        in_own_mounts(|| {
            let error = StepError { step: Step::Mount(1), errno: Errno::NOSPC };
            assert_eq!(plan.apply(), Err(error));
            assert_eq!(fs::read_dir("small").expect("list").count(), 0);
        });
    });
}
