//! Ids of a program.

mod common;

use std::fs;

use common::mapped::{as_user, delegated, inside, printed};
use common::shell;
use ns_process::{Container, Namespace, Step};
use ns_testbed::{USER, forked};
use rustix::process::{getegid, geteuid};

/// Another user inside by way of the helpers; the caller's ids and its threads' stay, and it can start
/// again.
#[test]
fn b13_c18_ids_of_the_program_alone() {
    ns_testbed::run_as!([Root], {
        if !std::path::Path::new("/usr/bin/newuidmap").exists() {
            ns_testbed::skip!("no newuidmap");
        }
        let _etc = delegated();
        as_user(|| {
            let uids = || -> Vec<String> {
                let tasks = fs::read_dir("/proc/self/task").expect("tasks");
                let status = tasks
                    .filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok());
                status
                    .filter_map(|text| {
                        text.lines().find(|line| line.starts_with("Uid:")).map(str::to_owned)
                    })
                    .collect()
            };
            let before = uids();
            let mut container = inside("id -u; id -g; id -G");
            let map = format!("0 {USER} 1,1 100000 1000");
            container.uid_map(map.parse().expect("map")).gid_map(map.parse().expect("map"));
            container.uid(5).gid(6).groups([7, 8]);
            for _ in 0..3 {
                assert_eq!(printed(&container), "5\n6\n6 7 8\n");
            }
            assert_eq!(uids(), before);
        });
    });
}

/// Ids that no map holds are mistakes.
#[test]
fn a24_unmapped_ids() {
    ns_testbed::run_as!([Root, User], {
        let told = |container: &Container, said: &str| {
            let error = container.start().expect_err("a mistake");
            assert_eq!((error.step(), error.object()), (Step::Check, Some(said)));
        };
        let user = || {
            let mut container = Container::new("true");
            container.namespace(Namespace::User);
            container
        };
        told(user().map_zero().uid(5), "uid: 5 has no mapping");
        told(user().map_zero().gid(5), "gid: 5 has no mapping");
        told(user().map_zero().groups([0, 5]), "groups: 5 has no mapping");
        told(user().uid(0), "uid: 0 has no mapping, nothing is mapped");
        let zero = "map_zero: uid_map is given as well";
        told(user().map_zero().uid_map(1.into()), zero);
        told(user().gid_map(1.into()).map_zero(), "map_zero: gid_map is given as well");
        told(Container::new("true").gid_map(1.into()), "gid_map: needs a new user namespace");
        told(Container::new("true").map_zero(), "map_zero: needs a new user namespace");
        if !geteuid().is_root() {
            let said = "groups: setgroups(2) is denied where the caller maps its own gid";
            told(user().map_zero().groups([0]), said);
        }
    });
}

/// An id without a mapping becomes 0 where 0 has one, or nothing could be made on what is mounted
/// inside.
#[test]
fn f30_becomes_zero() {
    ns_testbed::run_as!([Root], {
        let mut container =
            inside("id -u; id -g; mount -t tmpfs none /mnt && mkdir /mnt/made && echo made");
        container.namespace(Namespace::Mnt);
        container.uid_map("0 100000 10".parse().expect("map"));
        container.gid_map("0 100000 10".parse().expect("map"));
        assert_eq!(printed(&container), "0\n0\nmade\n");
        let plan = container.plan().expect("plan").describe().to_string();
        assert!(plan.contains("setresuid(0)"), "{plan}");
        container.uid(3).gid(4);
        assert_eq!(
            printed(
                inside("id -u; id -g")
                    .uid_map("0 100000 10".parse().expect("map"))
                    .gid_map("0 100000 10".parse().expect("map"))
                    .uid(3)
                    .gid(4)
            ),
            "3\n4\n"
        );
    });
}

/// Another user does not keep the caller's groups, unless they are given.
#[test]
fn another_user_has_no_groups_of_the_callers() {
    ns_testbed::run_as!([Root], {
        let code = forked(|| {
            ns_sys::child::setgroups(&[5, 6]).expect("setgroups");
            let mut container = shell("id -G");
            assert_eq!(printed(&container), "0 5 6\n");
            assert_eq!(printed(container.uid(USER).gid(USER)), format!("{USER}\n"));
            assert_eq!(printed(container.groups([7])), format!("{USER} 7\n"));
            let map = "0 100000 10";
            let mut container = inside("id -G; grep Groups /proc/self/status");
            container.uid_map(map.parse().expect("map")).gid_map(map.parse().expect("map"));
            assert_eq!(printed(&container), "0\nGroups:\t \n");
            0
        });
        assert_eq!(code, 0);
    });
}

/// Calls that would change nothing are not made.
#[test]
fn ids_that_hold_already() {
    ns_testbed::run_as!([Root, User], {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let mut container = Container::new("true");
        let plan = container.uid(uid).gid(gid).plan().expect("plan").describe().to_string();
        assert!(!plan.contains("setres"), "{plan}");
        let mut container = Container::new("true");
        container.namespace(Namespace::User).map_zero().uid(0).gid(0);
        let plan = container.plan().expect("plan").describe().to_string();
        assert!(!plan.contains("setres"), "{plan}");
        assert!(container.status().expect("start").success());
    });
}
