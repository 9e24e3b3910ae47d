//! Random changes of attributes against a simple model, read back from mountinfo.

use linux_raw_sys::general::__NR_mount_setattr;
use ns_fs::{Mount, MountAttrs, Propagation, Root, Tree};
use ns_sys::Errno;
use ns_testbed::{Leftovers, refuse};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestRunner};

use crate::fixture::{in_own_mounts, mounts_at, plan};

/// `set` or `clear`, and its attributes.
type Change = (bool, MountAttrs);

/// A change, and whether it is one of all mounts: `set_all` or `clear_all`.
type Call = (bool, Change);

/// The attributes of which a mount may have any number.
const FREE: MountAttrs = MountAttrs::RDONLY
    .union(MountAttrs::NOSUID)
    .union(MountAttrs::NODEV)
    .union(MountAttrs::NOEXEC)
    .union(MountAttrs::NODIRATIME)
    .union(MountAttrs::NOSYMFOLLOW);

/// The attributes of which a mount has exactly one.
const ATIME: [MountAttrs; 3] = [MountAttrs::RELATIME, MountAttrs::NOATIME, MountAttrs::STRICTATIME];

fn attrs() -> impl Strategy<Value = MountAttrs> {
    let atime =
        prop_oneof![3 => Just(MountAttrs::empty()), 2 => (0..3_usize).prop_map(|i| ATIME[i])];
    let free = prop_oneof![
        any::<u64>().prop_map(|bits| MountAttrs::from_bits_truncate(bits) & FREE),
        Just(MountAttrs::empty()),
    ];
    (free, atime).prop_map(|(free, atime)| free | atime)
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    vec((any::<bool>(), attrs()), 0..6)
}

/// The attributes after the changes: the last change of each one applies. There is one way to update access
/// times; a change that clears one restores the default.
fn model(start: MountAttrs, changes: &[Change]) -> MountAttrs {
    let atime = ATIME.into_iter().fold(MountAttrs::empty(), MountAttrs::union);
    changes.iter().fold(start, |state, (set, attrs)| {
        let state = if attrs.intersects(atime) { state - atime } else { state };
        let state = if *set { state | *attrs } else { state - *attrs };
        if state.intersects(atime) { state } else { state | MountAttrs::RELATIME }
    })
}

/// As mountinfo shows the attributes.
fn text(attrs: MountAttrs) -> String {
    let names = [
        (MountAttrs::NOSUID, "nosuid"),
        (MountAttrs::NODEV, "nodev"),
        (MountAttrs::NOEXEC, "noexec"),
        (MountAttrs::NOATIME, "noatime"),
        (MountAttrs::NODIRATIME, "nodiratime"),
        (MountAttrs::RELATIME, "relatime"),
        (MountAttrs::NOSYMFOLLOW, "nosymfollow"),
    ];
    let first = if attrs.contains(MountAttrs::RDONLY) { "ro" } else { "rw" };
    let names = names.iter().filter(|(attr, _)| attrs.contains(*attr)).map(|(_, name)| *name);
    std::iter::once(first).chain(names).collect::<Vec<_>>().join(",")
}

fn shown(path: &str) -> String {
    mounts_at(path, &Leftovers::mountinfo()).pop().expect("a mount").remove(5)
}

fn apply(mount: Mount) {
    let plan = plan(Root::current().propagation(None).mount(mount));
    // Unlike `RootPlan::apply`, this stays in the mount namespace.
    ns_fs::apply::root(plan.apply_data()).expect("apply");
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    vec((any::<bool>(), (any::<bool>(), attrs())), 0..8)
}

/// The changes of all mounts, then those of the topmost one.
fn in_order(calls: &[Call]) -> Vec<Change> {
    let of = |wanted: bool| calls.iter().filter(move |(all, _)| *all == wanted);
    of(true).chain(of(false)).map(|(_, change)| *change).collect()
}

fn call_mount(mount: Mount, calls: &[Call]) -> Mount {
    calls.iter().fold(mount, |mount, (all, (set, attrs))| match (all, set) {
        (true, true) => mount.set_all(*attrs),
        (true, false) => mount.clear_all(*attrs),
        (false, true) => mount.set(*attrs),
        (false, false) => mount.clear(*attrs),
    })
}

fn call_tree(tree: Tree, calls: &[Call]) -> Tree {
    calls.iter().fold(tree, |tree, (all, (set, attrs))| match (all, set) {
        (true, true) => tree.set_all(*attrs),
        (true, false) => tree.clear_all(*attrs),
        (false, true) => tree.set(*attrs),
        (false, false) => tree.clear(*attrs),
    })
}

fn change(mount: Mount, changes: &[Change]) -> Mount {
    let change = |mount: Mount, (set, attrs): &Change| match set {
        true => mount.set(*attrs),
        false => mount.clear(*attrs),
    };
    changes.iter().fold(mount, change)
}

fn change_tree(tree: Tree, changes: &[Change]) -> Tree {
    let change = |tree: Tree, (set, attrs): &Change| match set {
        true => tree.set(*attrs),
        false => tree.clear(*attrs),
    };
    changes.iter().fold(tree, change)
}

/// Two lists of changes, of a new file system, a remount, a bind mount and a tree, with mount_setattr(2) and
/// without it. 20 000 cases with `NS_STRESS`.
#[test]
fn random_changes_of_attributes() {
    ns_testbed::run_as!([Root, User, Nested], {
        let cases = if std::env::var_os("NS_STRESS").is_some() { 20_000 } else { 300 };
        for missing in [&[][..], &[__NR_mount_setattr]] {
            in_own_mounts(|| {
                ns_fs::apply::propagation(Propagation::Private).expect("private");
                apply(Mount::tmpfs("/tmp"));
                for call in missing {
                    refuse(*call, Errno::NOSYS);
                }
                let config = Config { cases, failure_persistence: None, ..Config::default() };
                let runner =
                    TestRunner::new(config).run(&(changes(), changes()), |(new, later)| {
                        check(&new, &later);
                        Ok(())
                    });
                runner.unwrap_or_else(|error| panic!("without {missing:?}: {error}"));
            });
        }
        println!("shown: {cases} random changes of attributes, as the model says");
    });
}

fn check(new: &[Change], later: &[Change]) {
    for name in ["new", "bind"] {
        let _ = std::fs::create_dir(format!("/tmp/{name}"));
    }
    let default = MountAttrs::NOSUID | MountAttrs::NODEV | MountAttrs::RELATIME;
    let start = model(default, new);
    apply(change(Mount::tmpfs("/tmp/new"), new));
    assert_eq!(shown("/tmp/new"), text(start), "new");
    let expected = text(model(start, later));
    apply(change(Mount::bind("/tmp/new", "/tmp/bind"), later));
    assert_eq!(shown("/tmp/bind"), expected, "bind");
    let tree = Tree::open("/tmp/new").expect("open");
    apply(Mount::tree(change_tree(tree, later), "/tmp/bind"));
    assert_eq!(shown("/tmp/bind"), expected, "tree");
    apply(change(Mount::remount("/tmp/new"), later));
    assert_eq!(shown("/tmp/new"), expected, "remount");
    for path in ["/tmp/bind", "/tmp/bind", "/tmp/new"] {
        rustix::mount::unmount(path, rustix::mount::UnmountFlags::DETACH).expect("umount");
    }
}

/// Changes of all mounts and of the topmost one, in any order: a mount and a tree get the same. Of a recursive bind the
/// mount below has only those of all mounts.
#[test]
fn random_changes_of_a_tree() {
    ns_testbed::run_as!([Root, User, Nested], {
        let cases = if std::env::var_os("NS_STRESS").is_some() { 5_000 } else { 150 };
        in_own_mounts(|| {
            ns_fs::apply::propagation(Propagation::Private).expect("private");
            apply(Mount::tmpfs("/tmp"));
            for name in ["from/below", "to"] {
                std::fs::create_dir_all(format!("/tmp/{name}")).expect("mkdir");
            }
            apply(Mount::tmpfs("/tmp/from"));
            std::fs::create_dir("/tmp/from/below").expect("mkdir");
            apply(Mount::tmpfs("/tmp/from/below"));
            let config = Config { cases, failure_persistence: None, ..Config::default() };
            let runner =
                TestRunner::new(config).run(&(calls(), any::<bool>()), |(calls, recursive)| {
                    check_tree(&calls, recursive);
                    Ok(())
                });
            runner.unwrap_or_else(|error| panic!("{error}"));
        });
        println!("shown: {cases} random changes of trees, as the model says");
    });
}

fn check_tree(calls: &[Call], recursive: bool) {
    let start = MountAttrs::NOSUID | MountAttrs::NODEV | MountAttrs::RELATIME;
    let all: Vec<_> = calls.iter().filter(|(all, _)| *all).map(|(_, change)| *change).collect();
    let expected = [text(model(start, &in_order(calls))), text(model(start, &all))];
    let tree = call_tree(Tree::open("/tmp/from").expect("open"), calls);
    let bind = call_mount(Mount::bind("/tmp/from", "/tmp/to"), calls);
    let (tree, bind) = if recursive { (tree.recursive(), bind.recursive()) } else { (tree, bind) };
    for mount in [Mount::tree(tree, "/tmp/to"), bind] {
        apply(mount);
        assert_eq!(shown("/tmp/to"), expected[0], "the topmost mount");
        if recursive {
            assert_eq!(shown("/tmp/to/below"), expected[1], "the mount below");
        }
        rustix::mount::unmount("/tmp/to", rustix::mount::UnmountFlags::DETACH).expect("umount");
    }
}
