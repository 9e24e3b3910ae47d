//! The test bed itself: roles are what they say, and the guard bites.

use std::fs::{self, File};
use std::panic::catch_unwind;
use std::process::Command;

use ns_testbed::{Leftovers, Role, SharedMount, USER, role};

fn status_line(key: &str) -> String {
    let status = fs::read_to_string("/proc/self/status").expect("read status");
    let line = status.lines().find(|line| line.starts_with(key)).expect("the line is there");
    line[key.len()..].split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Ids, groups and capabilities are those of the role.
#[test]
fn roles_are_what_they_say() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (uids, effective) = (status_line("Uid:"), status_line("CapEff:"));
        match role() {
            Role::Root => assert_eq!(uids, "0 0 0 0"),
            Role::User => {
                assert_eq!(uids, [USER.to_string().as_str(); 4].join(" "));
                assert_eq!(effective, "0000000000000000");
                assert_eq!(status_line("Groups:"), "");
            }
            Role::Nested => {
                assert_eq!(uids, "0 0 0 0");
                assert_ne!(effective, "0000000000000000");
            }
        }
    });
}

/// A descriptor, a zombie and a mount each trip the guard.
#[test]
fn the_guard_bites() {
    ns_testbed::run_as!([Root], {
        let before = Leftovers::snapshot();
        let file = File::open("/proc/self/exe").expect("open");
        assert!(catch_unwind(|| before.assert_unchanged()).is_err(), "an open descriptor passed");
        drop(file);

        let mut child = Command::new("true").spawn().expect("spawn");
        assert!(catch_unwind(|| before.assert_unchanged()).is_err(), "a child passed");
        child.wait().expect("wait");

        let mount = SharedMount::new();
        assert!(catch_unwind(|| before.assert_unchanged()).is_err(), "a mount passed");
        drop(mount);
        before.assert_unchanged();
    });
}

/// What a body mounts stays in its own mount namespace, even where `/` is shared.
#[test]
fn mounts_stay_private() {
    ns_testbed::run_as!([Root], {
        let info = fs::read_to_string("/proc/self/mountinfo").expect("read mountinfo");
        let root = info.lines().find(|line| line.split(' ').nth(4) == Some("/")).expect("a root");
        assert!(!root.contains("shared:"), "{root}");
    });
}
