//! Where the directories are.

use std::path::{Path, PathBuf};

use super::super::machine::{Hierarchy, from_texts};
use super::super::path::Wanted;
use super::super::place::{Place, Version};
use super::super::{Cgroup, CgroupMounts};
use super::expect_error;

const MOUNTS: &str = "1 0 0:1 / / rw - ext4 /dev/vda rw
31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
2 31 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
3 31 0:3 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
4 31 0:4 /docker/1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
5 31 0:5 / /sys/fs/cgroup/systemd rw shared:1 - cgroup cgroup rw,xattr,name=systemd
6 1 0:6 / /elsewhere/pids rw - cgroup cgroup rw,pids
7 31 0:7 / /sys/fs/cgroup/a\\040b rw - cgroup cgroup rw,freezer
";

const OWN: &str = "9:name=systemd:/a
8:pids:/p
7:freezer:/
6:rdma:/x
4:memory:/docker/1/job
3:cpu,cpuacct:/b:c
0::/s/t
";

fn hierarchy<'a>(found: &'a [Hierarchy], name: &str) -> &'a Hierarchy {
    found.iter().find(|one| one.mount.ends_with(name)).expect(name)
}

#[test]
fn hierarchies_are_those_below_the_usual_directory() {
    let found = from_texts(OWN, MOUNTS);
    let names: Vec<_> =
        found.iter().map(|one| (one.controllers.join(","), one.own.clone())).collect();
    let expected = [
        ("name=systemd", "a"),
        ("freezer", ""),
        ("memory", "job"),
        ("cpu,cpuacct", "b:c"),
        ("", "s/t"),
    ];
    assert_eq!(names, expected.map(|(name, own)| (name.to_owned(), PathBuf::from(own))));
    assert_eq!(hierarchy(&found, "a b").controllers, ["freezer"]);
    assert_eq!(found.last().expect("version 2").version, Version::Two);
}

#[test]
fn a_cgroup_outside_of_what_is_mounted_counts_as_its_root() {
    let found = from_texts("4:memory:/other/job\n0::/../up\n", MOUNTS);
    assert!(found.iter().all(|one| one.own == Path::new("")), "{found:?}");
    assert_eq!(found.len(), 2);
}

#[test]
fn hierarchies_that_are_all_mounted_elsewhere_are_found_there() {
    let mounts = "3 1 0:3 / /cg/cpu rw - cgroup cgroup rw,cpu\n4 1 0:4 / /cg/pids rw - cgroup cgroup rw,pids\n";
    let found = from_texts("2:pids:/\n1:cpu:/\n", mounts);
    assert_eq!(found.len(), 2);
}

#[test]
fn paths_are_below_the_root_or_the_runtime() {
    let found = from_texts(OWN, MOUNTS);
    let below = |path: Option<&str>, name: &str| {
        let wanted = Wanted::new(path.map(Path::new), "id").expect("a valid path");
        wanted.below(hierarchy(&found, name)).display().to_string()
    };
    assert_eq!(below(Some("/x//./y/"), "memory"), "x/y");
    assert_eq!(below(Some("/x/y"), "unified"), "x/y");
    assert_eq!(below(Some("x/y"), "memory"), "job/x/y");
    // Beside the cgroup of the runtime, which has processes.
    assert_eq!(below(Some("x/y"), "unified"), "s/x/y");
    assert_eq!(below(None, "memory"), "job/id");
    assert_eq!(below(Some(""), "unified"), "s/id");
}

#[test]
fn g02_paths_that_leave_the_root_or_need_systemd_are_errors() {
    for path in ["/a/../b", "..", "../../x", "/.."] {
        expect_error(Wanted::new(Some(Path::new(path)), "id"), &["`..`", path]);
    }
    expect_error(Wanted::new(Some(Path::new("/")), "id"), &["root"]);
    expect_error(Wanted::new(None, ".."), &["`..`"]);
    let systemd = Wanted::new(Some(Path::new("system.slice:docker:1234")), "id");
    expect_error(systemd, &["systemd", "cgroupfs"]);
    assert!(Wanted::new(Some(Path::new("/a:b:c")), "id").is_ok());
}

#[test]
fn a_stored_cgroup_is_the_same_one() {
    ns_testbed::run_as!([Root, User], {
        let cgroup = Cgroup::plan(Some(Path::new("/a/b")), "id", true).expect("plan");
        let text = serde_json::to_string(&cgroup).expect("store");
        let stored: Cgroup = serde_json::from_str(&text).expect("load");
        let paths = |cgroup: &Cgroup| -> Vec<_> { cgroup.own_places().map(Place::path).collect() };
        assert_eq!(paths(&stored), paths(&cgroup));
        assert!(paths(&stored).iter().all(|path| path.ends_with("a/b")));
        assert_eq!(stored.mounts(), cgroup.mounts());
    });
}

/// Each hierarchy has the container's directory, and each controller its own name.
#[test]
fn mounts_name_every_hierarchy() {
    let mut cgroup = Cgroup::none();
    assert_eq!(cgroup.mounts(), CgroupMounts::None);
    let wanted = Wanted::new(Some(Path::new("/x")), "id").expect("a valid path");
    for one in from_texts(OWN, MOUNTS) {
        let below = wanted.below(&one);
        let Hierarchy { version, controllers, mount, root, own } = one;
        cgroup.places.push(Place::new(version, controllers, mount, root, own, below));
    }
    let CgroupMounts::Version1(mounts) = cgroup.mounts() else { panic!("version 1") };
    let names: Vec<_> =
        mounts.iter().map(|one| (&*one.name, one.links.join(" "), &*one.options)).collect();
    let expected = [
        ("systemd", "", "name=systemd"),
        ("a b", "freezer", "freezer"),
        ("memory", "", "memory"),
        ("cpu,cpuacct", "cpu cpuacct", "cpu,cpuacct"),
    ];
    assert_eq!(names, expected.map(|(name, links, options)| (name, links.to_owned(), options)));
    assert_eq!(mounts[2].directory, Path::new("/sys/fs/cgroup/memory/x"));
    cgroup.places.retain(|place| place.version == Version::Two);
    assert_eq!(cgroup.mounts(), CgroupMounts::Version2("/sys/fs/cgroup/unified/x".into()));
    let without = cgroup.without_directories();
    assert_eq!(without.mounts(), CgroupMounts::Version2("/sys/fs/cgroup/unified/s/t".into()));
}
