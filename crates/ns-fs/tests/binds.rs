//! Binds and their attributes against the real kernel, the older ways too.

mod common;

use std::fs;
use std::io::ErrorKind;

use common::{Folder, in_own_mounts, in_own_pids, mounts_at, pivot, plan, under};
use linux_raw_sys::general::{__NR_mount_setattr, __NR_open_tree};
use ns_fs::{Mount, Root, Step, StepError};
use ns_sys::Errno;
use ns_testbed::{Leftovers, refuse};
use rustix::mount::{MountFlags, mount};

/// A bind with each attribute, by the new calls and by each older way.
#[test]
fn d12_binds_and_their_attributes() {
    ns_testbed::run_as!([Root, User, Nested], {
        for missing in [&[][..], &[__NR_mount_setattr], &[__NR_open_tree, __NR_mount_setattr]] {
            let folder = Folder::with("bind", &["proc", "source/inner"]);
            fs::write(folder.path().join("source/file"), "text").expect("write");
            let source = folder.path().join("source");
            let closed = Mount::bind(&source, "/a/b").create().read_only().nosuid().nodev();
            let file = Mount::bind(source.join("file"), "/c/file").create().read_only();
            let open = Mount::bind(&source, "/open").create();
            let plan = pivot(&folder, [Mount::proc("proc"), closed.noexec(), file, open]);
            in_own_pids(|| {
                for number in missing {
                    refuse(*number, Errno::NOSYS);
                }
                plan.apply().expect("apply");
                let info = Leftovers::mountinfo();
                let options = &mounts_at("/a/b", &info)[0][5];
                assert!(options.starts_with("ro,nosuid,nodev,noexec"), "{options}");
                let only = mounts_at("/open", &info)[0][5].replacen("rw", "ro", 1);
                assert_eq!(mounts_at("/c/file", &info)[0][5], only, "nothing but read-only");
                let error = fs::write("/c/file", "").expect_err("read-only");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
                assert_eq!(fs::read_to_string("/c/file").expect("read"), "text");
                fs::write("/open/new", "").expect("write");
            });
        }
    });
}

/// A recursive bind is read-only all the way down, or refused.
#[test]
fn d12_recursive_and_read_only() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("recursive", &["source/inner", "proc"]);
        let bind = Mount::bind(folder.path().join("source"), "/bound").create();
        let below = Mount::tmpfs("/source/inner");
        let mounts = [Mount::proc("proc"), below, bind.recursive().read_only()];
        for old in [false, true] {
            let mounts = mounts.iter().cloned().map(|mount| under(&folder, mount));
            let plan = plan(mounts.fold(Root::current(), Root::mount));
            in_own_pids(|| {
                if old {
                    refuse(__NR_mount_setattr, Errno::NOSYS);
                    let refused = StepError { step: Step::Mount(2), errno: Errno::NOSYS };
                    assert_eq!(plan.apply(), Err(refused));
                    return;
                }
                plan.apply().expect("apply");
                let file = folder.path().join("bound/inner/file");
                let error = fs::write(file, "").expect_err("read-only below too");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
            });
        }
    });
}

/// A tree that cannot get its attributes, for want of mount_setattr, is not attached without them.
#[test]
fn d12_no_tree_without_its_attributes() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("tree", &["target"]);
        let bind = Mount::bind("/proc", "/target").recursive().read_only();
        for calls in [&[__NR_mount_setattr][..], &[__NR_mount_setattr, __NR_open_tree]] {
            let plan = pivot(&folder, [bind.clone()]);
            in_own_mounts(|| {
                for call in calls {
                    refuse(*call, Errno::NOSYS);
                }
                let error = plan.apply().expect_err("no attributes");
                assert_eq!(error, StepError { step: Step::Mount(0), errno: Errno::NOSYS });
                let target = format!("{}/target", folder.path().display()).replace(' ', "\\040");
                assert_eq!(mounts_at(&target, &Leftovers::mountinfo()).len(), 0);
            });
        }
    });
}

/// The older way keeps what it cannot say, and refuses to leave out what it is asked for.
#[test]
fn d12_the_older_way_loses_nothing() {
    ns_testbed::run_as!([Root, Nested], {
        const NOSYMFOLLOW: u64 = 8192;
        let folder = Folder::with("older", &["source", "target"]);
        let source = folder.path().join("source");
        in_own_mounts(|| {
            ns_fs::apply::propagation(ns_fs::Propagation::Private).expect("private");
            let flags = MountFlags::from_bits_retain(256);
            mount("none", &source, "tmpfs", flags, None).expect("tmpfs");
            refuse(__NR_mount_setattr, Errno::NOSYS);
            let bind = |attributes| {
                let source = std::ffi::CString::new(source.to_str().expect("text")).expect("C");
                let kind =
                    ns_fs::apply::MountKind::Bind { source: &source, recursive: false, attributes };
                let target = c"target";
                let wish = ns_fs::apply::Mount { index: 0, target, create: false, kind };
                let root = fs::File::open(folder.path()).expect("open");
                ns_fs::apply::mount(std::os::fd::AsFd::as_fd(&root), wish)
            };
            // MOUNT_ATTR_NOATIME, which a remount says in another way.
            assert_eq!(bind(0x10).expect_err("noatime").errno, Errno::NOSYS);
            bind(1).expect("read-only");
            let mounted = fs::File::open(folder.path().join("target")).expect("open");
            let told = ns_sys::child::fstatfs(std::os::fd::AsFd::as_fd(&mounted)).expect("statfs");
            assert_eq!(told.flags & (NOSYMFOLLOW | 1), NOSYMFOLLOW | 1);
        });
    });
}

/// A tree that is to get no attributes needs no mount_setattr.
#[test]
fn d12_a_plain_tree_by_the_older_ways() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("plain", &["target"]);
        for missing in [&[__NR_mount_setattr][..], &[__NR_mount_setattr, __NR_open_tree]] {
            let plan = pivot(&folder, [Mount::bind("/proc", "/target").recursive()]);
            in_own_mounts(|| {
                for number in missing {
                    refuse(*number, Errno::NOSYS);
                }
                plan.apply().expect("apply");
                assert!(fs::exists("/target/self/status").expect("look"));
            });
        }
    });
}
