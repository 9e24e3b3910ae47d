//! IDs of the program.

use std::fs;

use crate::common::users::{as_user, delegated, has_newuidmap, inside};
use crate::common::{assert_refused, in_child, printed, shell};
use ns_process::{Container, Namespace};
use ns_testbed::USER;
use rustix::process::{getegid, geteuid};

/// The IDs of the program change, by maps of helper programs. Those of the caller and its threads do not.
#[test]
fn b13_c18_ids_of_the_caller_do_not_change() {
    ns_testbed::run_as!([Root], {
        if !has_newuidmap() {
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

/// IDs without a mapping are refused.
#[test]
fn a24_unmapped_ids_are_refused() {
    ns_testbed::run_as!([Root, User], {
        let user = || {
            let mut container = Container::new("true");
            container.namespace(Namespace::User);
            container
        };
        assert_refused(
            user().map_zero().uid(5),
            "uid: the map of the new user namespace has no user ID 5",
        );
        assert_refused(
            user().map_zero().gid(5),
            "gid: the map of the new user namespace has no group ID 5",
        );
        assert_refused(
            user().map_zero().groups([0, 5]),
            "groups: the map of the new user namespace has no group ID 5",
        );
        assert_refused(user().uid(0), "uid: the new user namespace has no map of user IDs");
        let zero = "map_zero: uid_map is given as well";
        assert_refused(user().map_zero().uid_map(1.into()), zero);
        assert_refused(user().gid_map(1.into()).map_zero(), "map_zero: gid_map is given as well");
        assert_refused(
            Container::new("true").gid_map(1.into()),
            "gid_map: needs a new user namespace: namespace(Namespace::User)",
        );
        assert_refused(
            Container::new("true").map_zero(),
            "map_zero: needs a new user namespace: namespace(Namespace::User)",
        );
        if !geteuid().is_root() {
            let message = "groups: setgroups(2) is denied in a user namespace whose gid map the caller writes itself";
            assert_refused(user().map_zero().groups([0]), message);
        }
    });
}

/// A program whose own ID has no mapping gets ID 0 if 0 has one: with the overflow ID it could not create files.
#[test]
fn f30_an_unmapped_id_becomes_zero() {
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

/// A program with another uid has no groups of the caller, unless they are set.
#[test]
fn a_program_of_another_user_has_no_groups_of_the_caller() {
    ns_testbed::run_as!([Root], {
        in_child(|| {
            ns_sys::child::setgroups(&[5, 6]).expect("setgroups");
            let mut container = shell("id -G");
            assert_eq!(printed(&container), "0 5 6\n");
            assert_eq!(printed(container.uid(USER).gid(USER)), format!("{USER}\n"));
            assert_eq!(printed(container.groups([7])), format!("{USER} 7\n"));
            let map = "0 100000 10";
            let mut container = inside("id -G; grep Groups /proc/self/status");
            container.uid_map(map.parse().expect("map")).gid_map(map.parse().expect("map"));
            assert_eq!(printed(&container), "0\nGroups:\t \n");
        });
    });
}

/// System calls that would change nothing are not made.
#[test]
fn ids_that_are_already_set_are_not_set_again() {
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
