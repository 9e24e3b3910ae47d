//! A runtime without a cgroup, mostly that of an ordinary user.

use std::path::Path;

use serde_json::json;

use super::super::Cgroup;
use super::{Sleeper, expect_error, resources};

/// What is planned for a user can be made.
fn owns_a_cgroup(cgroup: &Cgroup) -> bool {
    if cgroup.is_none() {
        return false;
    }
    cgroup.create(None).expect("planned, so permitted");
    cgroup.remove().expect("remove");
    true
}

/// Without permission and without limits there is no cgroup, and processes stay where they are.
#[test]
fn g12_a_user_without_a_cgroup_needs_none_without_limits() {
    ns_testbed::run_as!([User, Nested], {
        let cgroup = Cgroup::plan(None, "id", true).expect("plan");
        if owns_a_cgroup(&cgroup) {
            ns_testbed::skip!("this user may make a cgroup beside its own");
        }
        let devices = json!({"devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "access": "r"}]});
        cgroup.create(Some(&resources(devices))).expect("no limit");
        assert!(cgroup.directory().expect("directory").is_none());
        let sleeper = Sleeper::new();
        let before = sleeper.memberships();
        cgroup.add(sleeper.pid()).expect("add");
        assert_eq!(sleeper.memberships(), before);
        assert!(!cgroup.is_frozen().expect("state"));
        expect_error(cgroup.freeze(), &["no cgroup"]);
        cgroup.kill().expect("kill");
        cgroup.remove().expect("remove");
    });
}

#[test]
fn g12_a_user_without_a_cgroup_can_have_no_limit() {
    ns_testbed::run_as!([User, Nested], {
        let cgroup = Cgroup::plan(None, "id", true).expect("plan");
        if owns_a_cgroup(&cgroup) {
            ns_testbed::skip!("this user may make a cgroup beside its own");
        }
        let limit = cgroup.create(Some(&resources(json!({"pids": {"limit": 5}}))));
        expect_error(limit, &["linux.resources.pids"]);
    });
}

#[test]
fn a_path_that_is_asked_for_is_an_error_without_permission() {
    ns_testbed::run_as!([User, Nested], {
        let cgroup = Cgroup::plan(Some(Path::new("/not-mine/at/all")), "id", true).expect("plan");
        if cgroup.is_none() {
            ns_testbed::skip!("no cgroup hierarchy is mounted");
        }
        expect_error(cgroup.create(None), &["make the cgroup", "not-mine"]);
    });
}

/// An engine asks for no cgroup, and still sends its usual rules for devices.
#[test]
fn a_container_without_a_cgroup_has_no_limit_and_no_filter() {
    let cgroup = Cgroup::none();
    let usual = json!({"devices": [{"allow": false, "access": "rwm"}]});
    cgroup.create(Some(&resources(usual))).expect("nothing to do");
    let rule = json!({"devices": [{"allow": true, "type": "c", "access": "r"}]});
    expect_error(cgroup.create(Some(&resources(rule))), &["linux.resources.devices", "no cgroup"]);
    let limit = json!({"memory": {"limit": 1 << 30}});
    expect_error(cgroup.update(&resources(limit)), &["linux.resources.memory", "has no cgroup"]);
}
