//! Trees that the caller opens.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use linux_raw_sys::general::{__NR_mount_setattr, __NR_move_mount, __NR_open_tree};
use ns_fs::{
    Mount, MountAttrs, Propagation, Root, RootError, RootPlan, Step, StepError, Tree, Workdir,
};
use ns_sys::{Errno, UnshareFlags};
use ns_testbed::{Leftovers, Role, SharedMount, forked, refuse, role};
use rustix::mount::{MountFlags, mount};

use crate::fixture::{
    TempDir, in_own, in_own_mounts, in_own_pids, mounts_at, pivot, plan, refuse_all,
};

/// Attributes of the topmost mount and of all mounts are set and cleared; propagation too.
#[test]
fn a_tree_gets_its_attributes() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("attributes", &["source/below", "root/proc"]);
        in_own_mounts(|| {
            ns_fs::apply::propagation(Propagation::Private).expect("private");
            for path in ["source", "source/below"] {
                let flags = MountFlags::NOEXEC;
                mount("none", dir.path().join(path), "tmpfs", flags, None).expect("tmpfs");
                fs::create_dir_all(dir.path().join("source/below")).expect("mkdir");
            }
            let tree = Tree::open(dir.path().join("source")).expect("open").recursive();
            let tree =
                tree.set(MountAttrs::RDONLY).set_all(MountAttrs::NODEV | MountAttrs::NOATIME);
            let tree = tree.clear(MountAttrs::NOEXEC).propagation(Propagation::Shared);
            let tree = tree.propagation_all(Propagation::Slave);
            let root = dir.path().join("root");
            let mounts = [Mount::proc("/proc"), Mount::tree(tree, "/mnt").create()];
            let plan = plan(mounts.into_iter().fold(Root::pivot(root), Root::mount));
            in_own_pids(|| {
                plan.apply().expect("apply");
                let info = Leftovers::mountinfo();
                let (top, below) = (mounts_at("/mnt", &info), mounts_at("/mnt/below", &info));
                assert_eq!(top[0][5], "ro,nodev,noatime");
                assert!(top[0][6].starts_with("shared:"), "{top:?}");
                assert_eq!(below[0][5], "rw,nodev,noexec,noatime");
                assert!(!below[0][6].starts_with("shared:"), "{below:?}");
            });
        });
    });
}

/// With privilege the caller's permissions apply: the source lies where the IDs of the process may not search.
#[test]
fn a_tree_that_the_process_could_not_reach() {
    ns_testbed::run_as!([Root], {
        let dir = TempDir::with("closed", &["source", "root/mnt"]);
        fs::write(dir.path().join("source/file"), "text").expect("write");
        let (source, root) = (dir.path().join("source"), dir.path().join("root"));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        let tree = Tree::open(&source).expect("open");
        let closed = dir.path().join("closed");
        fs::create_dir(&closed).expect("mkdir");
        fs::set_permissions(&closed, mode).expect("chmod");
        fs::rename(&source, closed.join("source")).expect("rename");
        let bind = Mount::bind(closed.join("source"), "/mnt");
        for (mount, reached) in [(Mount::tree(tree, "/mnt"), true), (bind, false)] {
            let plan = plan(Root::pivot(&root).mount(mount));
            let code = forked(|| {
                crate::fixture::become_user();
                let applied = plan.apply();
                if reached {
                    applied.expect("apply");
                    assert_eq!(fs::read_to_string("/mnt/file").expect("read"), "text");
                } else {
                    let step = Step::MountSource { mount: 0, source: 0 };
                    assert_eq!(applied, Err(StepError { step, errno: Errno::ACCESS }));
                }
                0
            });
            assert_eq!(code, 0);
        }
    });
}

/// Each plan clones the tree; without privilege the process opens the path and finds the same file.
#[test]
fn a_tree_is_mounted_by_many_plans() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("many", &["source/inner", "target"]);
        let tree = Tree::open(dir.path().join("source")).expect("open").set(MountAttrs::RDONLY);
        for missing in [&[][..], &[__NR_mount_setattr], &[__NR_open_tree, __NR_move_mount]] {
            // A privileged caller has cloned the tree before.
            if !missing.is_empty() && role() != Role::User {
                continue;
            }
            let plan = pivot(&dir, [Mount::tree(tree.clone(), "/target")]);
            in_own_mounts(|| {
                refuse_all(missing);
                plan.apply().expect("apply");
                let error = fs::write("/target/file", "").expect_err("read-only");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
                assert!(fs::exists("/target/inner").expect("stat"));
            });
        }
    });
}

/// A mount of the process below a tree does not propagate to the caller, whose mounts are shared.
#[test]
fn d06_a_tree_of_a_shared_mount() {
    ns_testbed::run_as!([Root, Nested], {
        for missing in [&[][..], &[__NR_mount_setattr]] {
            let shared = SharedMount::new();
            let dir = TempDir::with("peer", &["target"]);
            for inner in ["below", "proc", "below/inner"] {
                fs::create_dir(shared.path().join(inner)).expect("mkdir");
            }
            let tree = || Tree::open(shared.path()).expect("open").recursive();
            let below = |path: &str| [path, "/proc"].map(|name| Mount::tmpfs(name).create());
            let as_root = below("/below").into_iter().fold(Root::tree(tree()), Root::mount);
            let tree = Mount::tree(tree(), "/target");
            let as_target =
                Root::pivot(dir.path()).mount(tree).mount(Mount::tmpfs("/target/below"));
            let code = forked(|| {
                refuse_all(missing);
                for root in [as_root, as_target] {
                    let before = Leftovers::mountinfo();
                    let plan = plan(root);
                    in_own_mounts(|| plan.apply().expect("apply"));
                    assert_eq!(before, Leftovers::mountinfo());
                }
                0
            });
            assert_eq!(code, 0);
        }
    });
}

/// Before Linux 5.12 the process sets the attributes of a tree, also if the caller has privilege.
#[test]
fn d12_a_tree_with_attributes_by_each_fallback() {
    ns_testbed::run_as!([Root, Nested], {
        let dir = TempDir::with("older", &["source", "target"]);
        for missing in [&[__NR_mount_setattr][..], &[__NR_mount_setattr, __NR_open_tree]] {
            in_own_mounts(|| {
                refuse_all(missing);
                let tree = Tree::open(dir.path().join("source")).expect("open");
                let plan = pivot(&dir, [Mount::tree(tree.set(MountAttrs::RDONLY), "/target")]);
                plan.apply().expect("apply");
                let error = fs::write("/target/file", "").expect_err("read-only");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
            });
        }
    });
}

/// The path of an opened tree leads elsewhere meanwhile: without privilege that is an error.
#[test]
fn a_tree_is_never_another_file() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("replaced", &["source/right", "other", "target"]);
        let tree = Tree::open(dir.path().join("source")).expect("open");
        let plan = pivot(&dir, [Mount::tree(tree, "/target")]);
        fs::rename(dir.path().join("source"), dir.path().join("away")).expect("rename");
        fs::rename(dir.path().join("other"), dir.path().join("source")).expect("rename");
        in_own_mounts(|| match plan.apply() {
            Ok(()) => assert!(fs::exists("/target/right").expect("stat")),
            Err(error) => {
                assert_eq!(role(), Role::User, "{error}");
                let step = Step::MountSource { mount: 0, source: 0 };
                assert_eq!(error, StepError { step, errno: Errno::STALE });
                let hint = plan.explain(&error).hint.expect("hint");
                assert!(hint.contains("another file than the one"), "{hint}");
            }
        });
    });
}

/// A tree is the root: of a path, of a descriptor, and a new file system.
#[test]
fn d16_a_tree_as_the_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("root", &["inside"]);
        let inode = fs::metadata(dir.path()).expect("stat").ino();
        let file = File::open(dir.path()).expect("open");
        let mut trees =
            vec![Tree::open(dir.path()).expect("open"), Tree::from_fd(file).expect("from_fd")];
        match Tree::file_system("tmpfs", "name", "size=1m,mode=700") {
            Ok(tree) => trees.push(tree.set(MountAttrs::NOSUID)),
            Err(error) => {
                assert_eq!(error.source.raw_os_error(), Some(Errno::PERM.raw_os_error()));
                assert_eq!(role(), Role::User, "{error}");
            }
        }
        for tree in trees {
            let is_new = tree.path().to_str() == Some("tmpfs");
            let plan = plan(Root::tree(tree).read_only());
            in_own_mounts(|| {
                plan.apply().expect("apply");
                assert_eq!(fs::metadata("/").expect("stat").ino() == inode, !is_new);
                assert_eq!(fs::metadata("/..").expect("stat").ino() == inode, !is_new);
                let error = fs::write("/file", "").expect_err("read-only");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
            });
        }
    });
}

/// The owners of files are mapped through a user namespace; without privilege the plan fails.
#[test]
fn an_id_mapped_tree() {
    ns_testbed::run_as!([Root, User], {
        let dir = TempDir::with("idmap", &["source", "target"]);
        let tmpfs = Tree::open(dir.path().join("source")).expect("open");
        let map = |tree: Tree| tree.idmap(user_namespace("0 100000 1000"));
        if role() == Role::User {
            let root = Root::pivot(dir.path()).mount(Mount::tree(map(tmpfs), "/target"));
            let error = RootPlan::new(root, Workdir::default()).expect_err("no privilege");
            assert!(matches!(&error, RootError::Tree(tree) if tree.call == "open_tree"), "{error}");
            return;
        }
        let tree = map(Tree::file_system("tmpfs", "tmpfs", "mode=755").expect("tmpfs"));
        let plan = pivot(&dir, [Mount::tree(tree, "/target")]);
        in_own(UnshareFlags::empty(), || {
            plan.apply().expect("apply");
            assert_eq!(fs::metadata("/target").expect("stat").uid(), 100_000);
        });
    });
}

/// Without mount_setattr(2) an ID-mapped tree is an error of the plan, which names the call.
#[test]
fn an_id_mapped_tree_on_an_old_kernel() {
    ns_testbed::run_as!([Root], {
        let dir = TempDir::with("old", &["source", "target"]);
        let tree = Tree::open(dir.path().join("source")).expect("open");
        let tree = tree.idmap(user_namespace("0 100000 1000"));
        let code = forked(|| {
            refuse(__NR_mount_setattr, Errno::NOSYS);
            let root = Root::pivot(dir.path()).mount(Mount::tree(tree, "/target"));
            let error = RootPlan::new(root, Workdir::default()).expect_err("no mount_setattr");
            let RootError::Tree(error) = error else { panic!("{error}") };
            assert_eq!(error.call, "mount_setattr");
            assert_eq!(error.source.raw_os_error(), Some(Errno::NOSYS.raw_os_error()));
            0
        });
        assert_eq!(code, 0);
    });
}

/// A user namespace with this map, held by a child until its namespace is opened.
fn user_namespace(map: &str) -> File {
    let code_of = |pid: u32| {
        for file in ["uid_map", "gid_map"] {
            fs::write(format!("/proc/{pid}/{file}"), map).expect("write a map");
        }
        File::open(format!("/proc/{pid}/ns/user")).expect("open")
    };
    // A program that waits for its stdin, in a new user namespace.
    let mut command = std::process::Command::new("unshare");
    let mut child = command.args(["--user", "cat"]).stdin(Stdio::piped()).spawn().expect("unshare");
    let own = fs::read_link("/proc/self/ns/user").expect("readlink");
    let path = format!("/proc/{}/ns/user", child.id());
    while fs::read_link(&path).expect("readlink") == own {
        std::thread::yield_now();
    }
    let userns = match role() {
        Role::User => File::open(&path).expect("open"),
        _ => code_of(child.id()),
    };
    drop(child.stdin.take());
    child.wait().expect("wait");
    userns
}
