//! Maps that are computed: of the caller's own ID, and of the IDs that are delegated to it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::users::{MAPS, as_user, delegated, delegation, has_newuidmap, inside, nsswitch};
use crate::common::{assert_refused, printed};
use ns_process::{Chroot, Container, Error, Init, Inject, Namespace, Step};
use ns_testbed::USER;
use rustix::process::{getegid, geteuid};

/// The error of the plan, which must name `map_auto`.
fn refusal(container: &Container, step: Step) -> String {
    let error: Error = container.plan().expect_err("no map");
    assert_eq!((error.step(), error.errno()), (step, None), "{error}");
    let object = error.object().expect("an object").to_owned();
    assert_eq!(container.start().expect_err("no map").object(), Some(&*object));
    object.strip_prefix("map_auto: ").expect("the setter").to_owned()
}

/// A user with delegated IDs gets all of them by one call, and setgroups(2) stays allowed.
#[test]
fn a23_delegated_ids_are_mapped_by_one_call() {
    ns_testbed::run_as!([Root], {
        if !has_newuidmap() {
            ns_testbed::skip!("no newuidmap");
        }
        let _etc = delegated();
        as_user(|| {
            let mut container = inside(&format!("{MAPS}; cat /proc/self/setgroups"));
            container.map_auto();
            assert!(container.get_map_auto());
            let map = format!(" 0 {USER} 1\n 1 100000 65536\n");
            assert_eq!(printed(&container), format!("{map}{map}allow\n"));
            let plan = container.plan().expect("a plan").describe().to_string();
            assert!(plan.contains(&format!("newuidmap PID 0 {USER} 1 1 100000 65536")), "{plan}");
            assert!(plan.contains("newgidmap PID"), "{plan}");
            println!("shown: {} ids for an ordinary user by map_auto", 65_537);

            let mut other = inside("id -u; id -g; id -G");
            other.map_auto().uid(65_536).gid(65_536).groups([7]);
            assert_eq!(printed(&other), "65536\n65536\n65536 7\n");
            let mut with_init = inside("id -u");
            with_init.map_auto().namespace(Namespace::Pid).init(Init::builtin());
            assert_eq!(printed(&with_init), "0\n");
            assert!(inside("true").map_auto().daemonize().start().is_ok());
            let mut chroot = Chroot::new("/", "cat");
            chroot.arg("/proc/self/uid_map").map_auto();
            assert_eq!(printed(&chroot).lines().count(), 2);
            let mut closure = Container::from_fn(|| 3);
            let status = closure.namespace(Namespace::User).map_auto().status().expect("start");
            assert_eq!(status.code(), Some(3));
        });
    });
}

/// Several ranges follow one after the other, by name and by number. The own ID is left out of them.
#[test]
fn a23_several_delegated_ranges_follow_each_other() {
    ns_testbed::run_as!([Root], {
        if !has_newuidmap() {
            ns_testbed::skip!("no newuidmap");
        }
        let subuid = format!("tester:200000:10\nother:1:5\n{USER}:100000:5\ntester:{USER}:2\n");
        let _etc = delegation(&subuid, "tester:300000:1\n");
        as_user(|| {
            let mut container = inside(MAPS);
            let (uids, gids) = (
                format!(" 0 {USER} 1\n 1 {} 1\n 2 100000 5\n 7 200000 10\n", USER + 1),
                format!(" 0 {USER} 1\n 1 300000 1\n"),
            );
            assert_eq!(printed(container.map_auto()), uids + &gids);
        });
    });
}

/// Root gets the IDs that are delegated to root, and writes the maps itself.
#[test]
fn a22_root_gets_the_ids_of_root() {
    ns_testbed::run_as!([Root], {
        let mut container = inside(MAPS);
        container.map_auto();
        let etc = delegation("root:500000:1000\n", "0:600000:1000\n");
        let maps = " 0 0 1\n 1 500000 1000\n 0 0 1\n 1 600000 1000\n";
        assert_eq!(printed(&container), maps);
        let plan = container.plan().expect("a plan").describe().to_string();
        assert!(plan.contains("write(uid_map, ") && !plan.contains("newuidmap"), "{plan}");
        drop(etc);
        let _etc = delegated();
        assert_eq!(
            refusal(&container, Step::UidMap),
            "/etc/subuid delegates no IDs to root (uid 0): add a line such as root:100000:65536 there, \
             or set uid_map and gid_map: this caller may map any IDs"
        );
    });
}

/// Without delegated IDs, the error names the user, the file, the missing line and the helper.
#[test]
fn a23_a_user_without_delegated_ids_gets_advice() {
    ns_testbed::run_as!([Root], {
        let mut container = inside("true");
        container.map_auto();
        let etc = delegation("root:100000:65536\n", "tester:100000:65536\n");
        let advice = |file: &str, helper: &str| {
            format!(
                "{file} delegates no IDs to tester (uid {USER}): add a line such as \
                 tester:100000:65536 there, and {helper} must be installed setuid root"
            )
        };
        as_user(|| {
            let object = refusal(&container, Step::UidMap);
            assert_eq!(object, advice("/etc/subuid", "newuidmap"));
            println!("shown: {}", container.start().expect_err("no ids"));
        });
        drop(etc);
        // The blank makes it a line of another user.
        let etc = delegation("tester:100000:65536\n", " tester:100000:65536\n");
        as_user(|| {
            let object = refusal(&container, Step::GidMap);
            let line = "; line 1 (\" tester:100000:65536\") is skipped: a blank before the name";
            assert_eq!(object, advice("/etc/subgid", "newgidmap") + line);
        });
        drop(etc);
        let etc = delegation("tester:1:0\n", "");
        as_user(|| assert!(refusal(&container, Step::UidMap).contains("delegates no IDs")));
        drop(etc);
        // Another source than /etc/passwd may have the name.
        as_user(|| {
            let object = refusal(&container, Step::UidMap);
            assert!(
                object.contains(&format!("to uid {USER}: add a line such as {USER}:")),
                "{object}"
            );
            assert!(object.ends_with("; /etc/passwd has no name for this uid"), "{object}");
        });
    });
}

/// If it is unknown what is delegated, the error says why: newuidmap could write a map, but names no range.
#[test]
fn a23_an_unknown_delegation_is_an_error() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated();
        let mut container = inside("true");
        container.map_auto();
        let unknown = format!("the delegated IDs of tester (uid {USER}) are unknown, because ");
        let private = |file| fs::set_permissions(file, fs::Permissions::from_mode(0o600));
        private("/etc/subgid").expect("chmod");
        as_user(|| {
            let object = refusal(&container, Step::GidMap);
            let why = object.strip_prefix(&unknown).expect(&object);
            assert!(why.starts_with("/etc/subgid cannot be read (Permission denied"), "{why}");
            assert!(why.ends_with("the ranges that getsubids(1) prints"), "{why}");
        });
        let _source = nsswitch("subid: sss\n");
        as_user(|| {
            let object = refusal(&container, Step::UidMap);
            let why = object.strip_prefix(&unknown).expect(&object);
            assert!(why.starts_with("nsswitch.conf(5) names sss as their source"), "{why}");
        });
    });
}

/// The IDs of the caller are the same inside and outside.
#[test]
fn a10_the_own_ids_are_mapped_to_themselves() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let mut container = inside(&format!("id -u; id -g; {MAPS}"));
        container.map_same();
        assert!(container.get_map_same() && !container.get_map_zero());
        let maps = format!(" {uid} {uid} 1\n {gid} {gid} 1\n");
        assert_eq!(printed(&container), format!("{uid}\n{gid}\n{maps}"));
        // The steps before exec have capabilities.
        container.namespaces([Namespace::Mnt, Namespace::Pid]).mount_proc();
        assert_eq!(printed(&container), format!("{uid}\n{gid}\n{maps}"));
    });
}

/// The setters of maps exclude each other, and an error names both.
#[test]
fn a24_setters_of_maps_exclude_each_other() {
    ns_testbed::run_as!([Root, User], {
        let user = || {
            let mut container = Container::new("true");
            container.namespace(Namespace::User);
            container
        };
        let given = |one: &str, other: &str| format!("{one}: {other} is given as well");
        assert_refused(user().map_auto().map_zero(), &given("map_zero", "map_auto"));
        assert_refused(user().map_same().map_zero(), &given("map_zero", "map_same"));
        assert_refused(user().map_same().map_auto(), &given("map_auto", "map_same"));
        assert_refused(user().map_auto().uid_map(1.into()), &given("map_auto", "uid_map"));
        assert_refused(user().map_auto().gid_map(1.into()), &given("map_auto", "gid_map"));
        assert_refused(user().gid_map(1.into()).map_same(), &given("map_same", "gid_map"));
        for setter in ["map_zero", "map_auto", "map_same"] {
            let mut container = Container::new("true");
            let mut inject = Inject::new(1, "true");
            match setter {
                "map_zero" => (container.map_zero(), inject.map_zero()),
                "map_auto" => (container.map_auto(), inject.map_auto()),
                _ => (container.map_same(), inject.map_same()),
            };
            let needs = "needs a new user namespace: namespace(Namespace::User)";
            assert_refused(&container, &format!("{setter}: {needs}"));
            let joined = "an Inject uses the maps of the joined user namespace";
            assert_refused(&inject, &format!("{setter}: {joined}"));
        }
    });
}

/// The error of an explicit map names the own ID and what is delegated.
#[test]
fn a10_an_error_has_the_own_id_and_the_delegated_ones() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated();
        as_user(|| {
            let error = inside("true").uid_map(1000.into()).start().expect_err("another's ID");
            let object = error.object().expect("an object");
            let expected = format!(
                "entry 1 (0 1000 1): only the caller's user ID {USER} and the IDs that /etc/subuid \
                 delegates to the caller, 100000:65536, can be mapped; use these IDs"
            );
            assert_eq!((error.step(), object), (Step::UidMap, &*expected));
        });
    });
}
