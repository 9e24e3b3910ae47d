//! Directories are made, used, and removed.

use std::fs;
use std::path::PathBuf;

use ns_testbed::skip;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use serde_json::json;

use super::super::Cgroup;
use super::super::place::{Place, Version};
use super::{Sleeper, each_version, expect_error, made, nothing, planned, resources};

fn paths(cgroup: &Cgroup) -> Vec<PathBuf> {
    cgroup.own_places().map(Place::path).collect()
}

#[test]
fn directories_are_made_in_each_hierarchy_and_removed() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        let paths = paths(&cgroup);
        assert!(paths.iter().all(|path| path.is_dir()), "{paths:?}");
        cgroup.remove().expect("remove");
        assert!(!paths.iter().any(|path| path.exists()), "{paths:?}");
        cgroup.remove().expect("what is missing is fine");
        assert_eq!(cgroup.pids().expect("pids"), [0; 0]);
        cgroup.create(None).expect("once more");
        assert!(paths.iter().all(|path| path.is_dir()), "{paths:?}");
    });
}

#[test]
fn g10_what_the_container_made_below_is_removed() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        for path in paths(&cgroup) {
            fs::create_dir_all(path.join("a/b")).expect("make");
            fs::create_dir(path.join("c")).expect("make");
        }
        cgroup.remove().expect("remove");
        assert!(!paths(&cgroup).iter().any(|path| path.exists()));
    });
}

#[test]
fn g03_an_error_leaves_no_directory() {
    ns_testbed::run_as!([Root], {
        if let Err(reason) = made(None, &nothing()) {
            skip!("{reason}");
        }
        let path = PathBuf::from("/").join(ns_testbed::own_name());
        let deep = Cgroup::plan(Some(&path.join("deep/er")), "id", false).expect("plan");
        let impossible = resources(json!({"cpu": {"cpus": "1000000"}}));
        expect_error(deep.create(Some(&impossible)), &["cpuset"]);
        let missing = resources(json!({"unified": {"cgroup.nosuch": "1"}}));
        assert!(deep.create(Some(&missing)).is_err());
        for place in &deep.places {
            let made = place.mount.join(path.strip_prefix("/").expect("a name"));
            assert!(!made.exists(), "{}", made.display());
        }
    });
}

#[test]
fn a_directory_that_existed_stays_after_an_error() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        let impossible = resources(json!({"cpu": {"cpus": "1000000"}}));
        assert!(cgroup.create(Some(&impossible)).is_err());
        assert!(paths(&cgroup).iter().all(|path| path.is_dir()));
        cgroup.create(None).expect("an empty directory is used");
    });
}

#[test]
fn g04_a_cgroup_with_processes_or_frozen_is_refused() {
    ns_testbed::run_as!([Root], {
        let tested = each_version(|cgroup| {
            let sleeper = Sleeper::new();
            cgroup.add(sleeper.pid()).expect("add");
            let pid = sleeper.pid().to_string();
            expect_error(cgroup.create(None), &["processes already", &pid, "linux.cgroupsPath"]);
            drop(sleeper);
            if cgroup.freeze().is_ok() {
                expect_error(cgroup.create(None), &["frozen", "thaw it"]);
            }
        });
        if let Err(reason) = tested {
            skip!("{reason}");
        }
    });
}

/// A file system that is mounted over a directory takes every write and limits nothing.
#[test]
fn g01_a_directory_of_another_file_system_is_refused() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        let path = paths(&cgroup).pop().expect("a directory");
        mount("none", &path, "tmpfs", MountFlags::empty(), None).expect("mount");
        let again: Cgroup =
            serde_json::from_value(serde_json::to_value(&*cgroup).expect("store")).expect("load");
        expect_error(again.create(None), &["another file system"]);
        expect_error(
            again.directory().and(again.update(&nothing())).and(again.pids()),
            &["another file system"],
        );
        unmount(&path, UnmountFlags::DETACH).expect("unmount");
    });
}

/// A name that is a symbolic link is not followed, wherever it points.
#[test]
fn g01_a_symbolic_link_is_not_followed() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        let path = paths(&cgroup).pop().expect("a directory");
        mount("none", &path, "tmpfs", MountFlags::empty(), None).expect("mount");
        std::os::unix::fs::symlink("/sys/fs/cgroup", path.join("link")).expect("link");
        let mut below = planned(None);
        for place in &mut below.places {
            place.below = path.strip_prefix(&place.mount).unwrap_or(&place.below).join("link");
        }
        below.places.retain(|place| place.path().starts_with(&path));
        let last = below.places.pop().expect("the mounted one");
        let opened = last.open().expect_err("a link");
        assert_eq!(opened.downcast_ref(), Some(&rustix::io::Errno::NOTDIR), "{opened:#}");
        unmount(&path, UnmountFlags::DETACH).expect("unmount");
    });
}

/// The cpuset of version 1 is empty at first, and then no process can be moved there.
#[test]
fn g06_processors_and_memory_nodes_are_inherited() {
    ns_testbed::run_as!([Root], {
        if let Err(reason) = made(Some(Version::One), &nothing()) {
            skip!("{reason}");
        }
        let path = PathBuf::from("/").join(ns_testbed::own_name());
        let deep = Cgroup::plan(Some(&path.join("a/b")), "id", false).expect("plan");
        let Some(place) = deep.places.iter().find(|place| place.has("cpuset")) else {
            skip!("no hierarchy of version 1 has the controller cpuset");
        };
        deep.create(None).expect("create");
        let read = |path: PathBuf| fs::read_to_string(path).expect("read");
        for file in ["cpuset.cpus", "cpuset.mems"] {
            assert_eq!(read(place.path().join(file)), read(place.mount.join(file)), "{file}");
        }
        let sleeper = Sleeper::new();
        deep.add(sleeper.pid()).expect("add");
        drop(sleeper);
        deep.remove().expect("remove");
        for place in &deep.places {
            let above = place.path();
            let above = above.parent().expect("a directory above");
            fs::remove_dir(above).expect("remove");
            fs::remove_dir(above.parent().expect("one more")).expect("remove");
        }
    });
}
