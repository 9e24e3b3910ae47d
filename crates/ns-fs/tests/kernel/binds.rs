//! Bind mounts and their attributes, also without the newer system calls.

use std::fs;
use std::io::ErrorKind;

use linux_raw_sys::general::{__NR_mount_setattr, __NR_open_tree};
use ns_fs::{Mount, MountAttrs, Propagation, Root, Step, StepError, apply};
use ns_sys::Errno;
use ns_testbed::{Leftovers, refuse};
use rustix::mount::{MountFlags, mount};

use crate::fixture::{TempDir, in_own_mounts, in_own_pids, mounts_at, pivot, plan, under};

/// Binds with and without attributes, by the newer system calls and by each fallback.
#[test]
fn d12_binds_and_their_attributes() {
    ns_testbed::run_as!([Root, User, Nested], {
        for missing in [&[][..], &[__NR_mount_setattr], &[__NR_open_tree, __NR_mount_setattr]] {
            let dir = TempDir::with("bind", &["proc", "source/inner"]);
            fs::write(dir.path().join("source/file"), "text").expect("write");
            let source = dir.path().join("source");
            let closed = Mount::bind(&source, "/a/b").create().read_only().nosuid().nodev();
            let file = Mount::bind(source.join("file"), "/c/file").create().read_only();
            let open = Mount::bind(&source, "/open").create();
            let plan = pivot(&dir, [Mount::proc("proc"), closed.noexec(), file, open]);
            in_own_pids(|| {
                for number in missing {
                    refuse(*number, Errno::NOSYS);
                }
                plan.apply().expect("apply");
                let info = Leftovers::mountinfo();
                let options = &mounts_at("/a/b", &info)[0][5];
                assert!(options.starts_with("ro,nosuid,nodev,noexec"), "{options}");
                let only = mounts_at("/open", &info)[0][5].replacen("rw", "ro", 1);
                assert_eq!(mounts_at("/c/file", &info)[0][5], only, "only read-only is added");
                let error = fs::write("/c/file", "").expect_err("read-only");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
                assert_eq!(fs::read_to_string("/c/file").expect("read"), "text");
                fs::write("/open/new", "").expect("write");
            });
        }
    });
}

/// A recursive bind is read-only including the mounts below it, or an error.
#[test]
fn d12_recursive_read_only() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("recursive", &["source/inner", "proc"]);
        let bind = Mount::bind(dir.path().join("source"), "/bound").create();
        let below = Mount::tmpfs("/source/inner");
        let mounts = [Mount::proc("proc"), below, bind.recursive().read_only()];
        for old in [false, true] {
            let mounts = mounts.iter().cloned().map(|mount| under(&dir, mount));
            let plan = plan(mounts.fold(Root::current(), Root::mount));
            in_own_pids(|| {
                if old {
                    refuse(__NR_mount_setattr, Errno::NOSYS);
                    let refused = StepError { step: Step::Mount(2), errno: Errno::NOSYS };
                    assert_eq!(plan.apply(), Err(refused));
                    return;
                }
                plan.apply().expect("apply");
                let file = dir.path().join("bound/inner/file");
                let error = fs::write(file, "").expect_err("the mount below is read-only");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
            });
        }
    });
}

/// A tree is not attached if its attributes cannot be set, without mount_setattr(2).
#[test]
fn d12_no_tree_without_its_attributes() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("tree", &["target"]);
        let bind = Mount::bind("/proc", "/target").recursive().read_only();
        for calls in [&[__NR_mount_setattr][..], &[__NR_mount_setattr, __NR_open_tree]] {
            let plan = pivot(&dir, [bind.clone()]);
            in_own_mounts(|| {
                for call in calls {
                    refuse(*call, Errno::NOSYS);
                }
                let error = plan.apply().expect_err("no attributes");
                assert_eq!(error, StepError { step: Step::Mount(0), errno: Errno::NOSYS });
                let target = format!("{}/target", dir.path().display()).replace(' ', "\\040");
                assert_eq!(mounts_at(&target, &Leftovers::mountinfo()).len(), 0);
            });
        }
    });
}

/// A remount keeps the present flags, and sets and clears each attribute that mount(2) has.
#[test]
fn d12_a_remount_loses_no_flag() {
    ns_testbed::run_as!([Root, Nested], {
        let dir = TempDir::with("older", &["source", "target"]);
        let source = dir.path().join("source");
        let bind = under(&dir, Mount::bind(&source, "/target"));
        let bind = bind.set(MountAttrs::RDONLY | MountAttrs::NOATIME).clear(MountAttrs::NODEV);
        let plan = plan(Root::current().mount(bind));
        in_own_mounts(|| {
            apply::propagation(Propagation::Private).expect("private");
            // MS_NOSYMFOLLOW
            let flags = MountFlags::from_bits_retain(256) | MountFlags::NODEV | MountFlags::NOEXEC;
            mount("none", &source, "tmpfs", flags, None).expect("tmpfs");
            refuse(__NR_mount_setattr, Errno::NOSYS);
            plan.apply().expect("apply");
            let target = dir.path().join("target").display().to_string().replace(' ', "\\040");
            let info = Leftovers::mountinfo();
            let options = &mounts_at(&target, &info)[0][5];
            assert_eq!(options, "ro,noexec,noatime,nosymfollow");
        });
    });
}

/// A tree without attributes does not need mount_setattr(2).
#[test]
fn d12_a_plain_tree_by_each_fallback() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("plain", &["target"]);
        for missing in [&[__NR_mount_setattr][..], &[__NR_mount_setattr, __NR_open_tree]] {
            let plan = pivot(&dir, [Mount::bind("/proc", "/target").recursive()]);
            in_own_mounts(|| {
                for number in missing {
                    refuse(*number, Errno::NOSYS);
                }
                plan.apply().expect("apply");
                assert!(fs::exists("/target/self/status").expect("stat"));
            });
        }
    });
}
