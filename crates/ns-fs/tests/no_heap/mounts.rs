//! Mounts of all kinds in roots of all kinds, with each fallback, and their failures.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use linux_raw_sys::general::{
    __NR_fsopen, __NR_mount_setattr, __NR_move_mount, __NR_open_tree, __NR_openat2,
};
use ns_fs::{
    DeviceKind, Mount, MountAttrs, MountFlags, Propagation, Root, RootPlan, Step, Tree, Workdir,
};
use ns_sys::Errno;
use ns_sys::child::exit_group;
use ns_testbed::{Role, role};

use crate::fixture::TempDir;
use crate::watched_with;

/// The newer system calls, each of which has a fallback.
const MISSING: [&[u32]; 6] = [
    &[],
    &[__NR_openat2],
    &[__NR_open_tree, __NR_move_mount, __NR_fsopen],
    &[__NR_fsopen],
    &[__NR_mount_setattr],
    &[__NR_openat2, __NR_open_tree, __NR_move_mount, __NR_fsopen, __NR_mount_setattr],
];

/// Directories for mounts of all kinds.
fn directories(name: &str) -> TempDir {
    let names = ["root/d", "root/proc", "root/tmp", "d/below", "e", "up", "work", "up2", "work2"];
    let dir = TempDir::with(name, &names);
    for file in ["f", "root/f", "root/g"] {
        fs::write(dir.path().join(file), "text").expect("write");
    }
    dir
}

/// A mount of each kind, and each option of which a kind has its own step, with targets below `root`.
fn all(dir: &TempDir, root: &str) -> Vec<Mount> {
    let at = |name: &str| format!("{root}/{name}");
    let source = |name: &str| dir.path().join(name);
    let tree = |name: &str| Tree::open(source(name)).expect("open").set(MountAttrs::NODEV);
    let mut mounts = vec![
        Mount::proc(at("proc")),
        Mount::tmpfs(at("tmp")).data("size=1m").with_propagation(Propagation::Shared),
        Mount::dev(at("tmp/dev")).create(),
        Mount::dev(at("tmp/closed")).read_only().create(),
        Mount::devpts(at("tmp/pts")).create(),
        Mount::overlay(at("tmp/o"), [source("d"), source("e")], source("up"), source("work"))
            .create(),
        Mount::overlay_read_only(at("tmp/r"), [source("d"), source("e")]).create(),
        Mount::bind(source("d"), at("tmp/bind")).recursive().create(),
        Mount::bind(source("f"), at("tmp/file"))
            .set(MountAttrs::RDONLY | MountAttrs::NOSUID)
            .create(),
        Mount::bind(at("d"), at("tmp/inner")).source_in_root().nosuid().create(),
        Mount::bind(source("none"), at("tmp/none")).optional(),
        Mount::bind(source("d"), at("tmp/none")).optional(),
        Mount::tree(tree("d"), at("tmp/tree")).create(),
        Mount::tree(Tree::open(source("d")).expect("open").recursive(), at("d")),
        Mount::tree(Tree::open(source("f")).expect("open"), at("f")),
        Mount::remount(at("tmp")).set(MountAttrs::NODIRATIME).clear(MountAttrs::NODEV),
        Mount::remount(at("tmp")).data("size=2m").flags(MountFlags::SYNCHRONOUS),
        Mount::propagation(at("tmp"), Propagation::Slave),
        Mount::propagation(at("tmp/tree"), Propagation::Private),
        Mount::mask(at("d")),
        Mount::mask(at("g")),
        Mount::mask(at("none")),
        Mount::read_only_path(at("tmp/file")),
        Mount::read_only_path(at("none")),
        Mount::directory(at("tmp/a/b")).mode(0o700),
        Mount::symlink("a", at("tmp/link")),
        Mount::symlink("a", at("tmp/link")),
        Mount::file(at("tmp/text"), "text"),
    ];
    // A user namespace binds the caller's device, which has the same path.
    if root.is_empty() {
        mounts.push(Mount::tmpfs("/dev").create());
        mounts.push(Mount::device("/dev/null", DeviceKind::Character, 1, 3));
    }
    mounts
}

/// The roots: of a directory, of a mount, and the current one; with the prefix of the targets.
fn roots(dir: &TempDir) -> Vec<(Root, String)> {
    let source = |name: &str| dir.path().join(name);
    let jail = source("root");
    let plain = [Root::pivot(&jail).read_only(), Root::chroot(&jail), Root::tree(jail_tree(dir))];
    let binds = [
        Root::current().mount(Mount::bind(&jail, "/").recursive().set(MountAttrs::NOSUID)),
        Root::pivot("/").mount(Mount::bind(&jail, "/").with_propagation(Propagation::Slave)),
    ];
    let overlay = Mount::overlay("/", [&jail], source("up2"), source("work2"));
    let roots = plain.into_iter().chain(binds).chain([Root::current().mount(overlay)]);
    let prefix = jail.to_str().expect("UTF-8").to_owned();
    let current = [(Root::current(), prefix)];
    roots.map(|root| (root, String::new())).chain(current).collect()
}

fn jail_tree(dir: &TempDir) -> Tree {
    Tree::open(dir.path().join("root")).expect("open").set_all(MountAttrs::NOSUID)
}

/// Overlayfs leaves a directory without permissions.
fn clean(dir: &TempDir) {
    for work in ["work/work", "work2/work"] {
        let mode = fs::Permissions::from_mode(0o700);
        let _ = fs::set_permissions(dir.path().join(work), mode);
    }
}

/// Every kind of mount in every kind of root, with each fallback.
#[test]
fn no_mount_allocates() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut count = 0;
        for missing in MISSING {
            let dir = directories("mounts");
            for position in 0..roots(&dir).len() {
                let make = || {
                    let (root, prefix) = roots(&dir).swap_remove(position);
                    let root = all(&dir, &prefix).into_iter().fold(root, Root::mount);
                    RootPlan::new(root, Workdir::default()).expect("plan")
                };
                let code = watched_with(missing, make, |plan| {
                    if let Err(error) = plan.apply() {
                        let index = match error.step {
                            Step::Mount(index) | Step::MountTarget(index) => index + 1,
                            Step::MountSource { mount, .. } => mount + 1,
                            _ => 90,
                        };
                        exit_group(i32::try_from(index).unwrap_or(98));
                    }
                    exit_group(0);
                });
                assert_eq!(
                    code, 0,
                    "root {position} without {missing:?}: the failed mount, from 1"
                );
                count += 1;
            }
            clean(&dir);
        }
        println!(
            "shown: {count} roots with mounts of all kinds and with each fallback, no allocation"
        );
    });
}

/// They have no fallback: before Linux 6.15 they are refused.
#[test]
fn no_mount_of_a_new_tmpfs_allocates() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = directories("tmpfs");
        let source = |name: &str| dir.path().join(name);
        let make = || {
            let root = Root::current()
                .mount(Mount::overlay_tmpfs(source("root"), [source("d"), source("e")]))
                .mount(Mount::bytes(source("f"), "text").read_only());
            RootPlan::new(root, Workdir::default()).expect("plan")
        };
        let code = watched_with(&[], make, |plan| match plan.apply() {
            Err(error) if error.errno != Errno::NOSYS => exit_group(1),
            _ => exit_group(0),
        });
        assert_eq!(code, 0);
    });
}

/// Mounts that fail, at their source, target or last step.
fn failing(dir: &TempDir) -> Vec<Mount> {
    let source = |name: &str| dir.path().join(name);
    let tree = |name: &str| Tree::open(source(name)).expect("open");
    vec![
        Mount::tmpfs("/none"),
        Mount::tmpfs("/f/x").create(),
        Mount::tmpfs("/d").data("nonsense=1"),
        Mount::new("nosuchfs", "none", "/d"),
        Mount::new("ext4", "/none", "/d"),
        Mount::bind(source("none"), "/d"),
        Mount::bind("/none", "/d").source_in_root(),
        Mount::bind(source("f"), "/d"),
        Mount::bind(source("d"), "/f"),
        Mount::tree(tree("d"), "/f"),
        Mount::tree(tree("f"), "/d"),
        Mount::tree(tree("d"), "/none"),
        Mount::overlay_read_only("/d", [source("d"), source("none")]),
        Mount::overlay("/d", [source("d")], source("f"), source("work")),
        Mount::overlay("/d", [source("d")], source("up"), "/proc"),
        Mount::remount("/d").set(MountAttrs::RDONLY),
        Mount::remount("/d").data("size=1m"),
        Mount::remount("/none").set(MountAttrs::RDONLY),
        Mount::propagation("/d", Propagation::Shared),
        Mount::mask("/f/x"),
        Mount::directory("/f"),
        Mount::symlink("a", "/f"),
        Mount::file("/f", "text"),
        Mount::device("/f", DeviceKind::Character, 1, 3),
        Mount::device("/tmp/zero", DeviceKind::Block, 1, 3).owner(u32::MAX - 1, 0),
    ]
}

/// Each failure of a mount, with each fallback; with an earlier mount, and sources that are open then.
#[test]
fn no_failing_mount_allocates() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut failed = 0;
        for missing in MISSING {
            let dir = directories("failing");
            let earlier =
                [Mount::tmpfs("/tmp"), Mount::bind(dir.path().join("d"), "/tmp/d").create()];
            for position in 0..failing(&dir).len() {
                let mount = || failing(&dir).swap_remove(position);
                for root in
                    [Root::pivot(dir.path().join("root")), Root::chroot(dir.path().join("root"))]
                {
                    let make = || {
                        let mounts = earlier.iter().cloned();
                        // A tree is of the mount namespace in which it was opened.
                        let mounts = mounts.chain([mount(), earlier[0].clone()]);
                        RootPlan::new(mounts.fold(root.clone(), Root::mount), Workdir::default())
                    };
                    let apply = |plan: Result<RootPlan, _>| {
                        exit_group(i32::from(plan.expect("plan").apply().is_ok()));
                    };
                    let code = watched_with(missing, make, apply);
                    // Root of the machine may make any device.
                    let is_device = format!("{:?}", mount()).contains("BlockDevice");
                    let may_succeed = is_device && role() == Role::Root;
                    assert!(code == i32::from(may_succeed), "{code} {:?} {missing:?}", mount());
                    failed += 1 - code;
                }
            }
            clean(&dir);
        }
        println!(
            "shown: {failed} failures of mounts of all kinds and with each fallback, no allocation"
        );
    });
}
