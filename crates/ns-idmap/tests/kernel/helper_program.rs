//! Which program is executed as a helper, and in which environment.

use std::error::Error;

use ns_idmap::{Gid, Helper, HelperError, Uid, UidMap};

use crate::fixtures::{TestDir, etc_files, needs_helpers};
use crate::helper::{DELEGATED, map_of};
use crate::process::{Target, as_user, set_path};

/// A relative path is refused, and the error for a missing program has its path.
#[test]
fn a18_path_must_be_absolute() {
    ns_testbed::run_as!([Root, User], {
        let error = Helper::<Uid>::at("newuidmap").expect_err("relative");
        assert_eq!(error.to_string(), "newuidmap is not an absolute path; give one");
        let missing = Helper::at("/nonexistent/newuidmap").expect("an absolute path");
        let error = UidMap::from(1000).write_by(Target::new(), &missing).expect_err("missing");
        assert!(
            error.to_string().starts_with("/nonexistent/newuidmap could not be run"),
            "{error}"
        );
        assert!(error.source().is_some());
    });
}

/// The program for the other kind of ID is refused before any process is started.
#[test]
fn a18_program_of_the_other_kind() {
    ns_testbed::run_as!([Root, User], {
        let error = Helper::<Uid>::at("/opt/bin/newgidmap").expect_err("for group IDs");
        let message = "/opt/bin/newgidmap does not write uid_map; use newuidmap";
        assert_eq!(error.to_string(), message);
        let error = Helper::<Gid>::at("/opt/bin/newuidmap").expect_err("for user IDs");
        assert!(matches!(error, HelperError::OtherKind { expected: "newgidmap", .. }), "{error:?}");
        for name in ["newuidmap", "newuidmap.real", "map"] {
            Helper::<Uid>::at(format!("/opt/newgidmap/{name}")).expect("another name");
        }
    });
}

/// A helper in PATH is not executed.
#[test]
fn a18_path_variable_is_not_used() {
    ns_testbed::run_as!([Root], {
        needs_helpers!();
        let _etc = etc_files!(DELEGATED, DELEGATED);
        let dir = TestDir::new("hostile");
        let marker = dir.path("was-run");
        dir.helper::<Uid>("newuidmap", &format!("touch {}; exit 0", marker.display()));
        as_user(|| {
            set_path(&dir.path(""));
            let target = Target::new();
            map_of(3).write_by(&target, &Helper::default()).expect("newuidmap");
            assert_eq!(target.rows("uid_map").len(), 3);
        });
        assert!(!marker.exists());
    });
}

/// The environment is empty, and the arguments are exactly those of the map.
#[test]
fn a18_environment_is_empty() {
    ns_testbed::run_as!([Root, User], {
        let dir = TestDir::new("environment");
        let body = "cat /proc/$$/environ >&2; echo \"$@\" >&2; exit 1";
        let (helper, target) = (dir.helper("helper", body), Target::new());
        let map: UidMap = "0 1 2,3 4 5".parse().expect("parse");
        let error = map.write_by(&target, &helper).expect_err("exit 1");
        let HelperError::Failed { said, .. } = error else { panic!("{error:?}") };
        assert_eq!(said, format!("{} 0 1 2 3 4 5\n", target.pid()));
    });
}
