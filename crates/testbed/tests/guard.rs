//! The test bed itself: roles are what they say, and the guard bites.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::panic::catch_unwind;
use std::process::Command;

use ns_testbed::{Leftovers, Role, SharedMount, USER, role};

fn status_line(key: &str) -> String {
    let status = fs::read_to_string("/proc/self/status").expect("read status");
    let line = status.lines().find(|line| line.starts_with(key)).expect("the line is there");
    line[key.len()..].split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The uid of the process that started this one.
fn owner_of_the_tests() -> u32 {
    let parent = std::os::unix::process::parent_id();
    fs::metadata(format!("/proc/{parent}")).map_or(0, |parent| parent.uid())
}

/// Ids, groups and capabilities are those of the role.
#[test]
fn roles_are_what_they_say() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (uids, effective) = (status_line("Uid:"), status_line("CapEff:"));
        match role() {
            Role::Root => assert_eq!(uids, "0 0 0 0"),
            Role::User => {
                let user = match owner_of_the_tests() {
                    0 => USER,
                    user => user,
                };
                assert_eq!(uids, [user.to_string().as_str(); 4].join(" "));
                assert_eq!(effective, "0000000000000000");
                assert!(user != USER || status_line("Groups:").is_empty());
            }
            Role::Nested => {
                assert_eq!(uids, "0 0 0 0");
                assert_ne!(effective, "0000000000000000");
            }
        }
    });
}

/// Whoever it is, the temporary folder is the test's own.
#[test]
fn files_have_a_folder_of_their_own() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = std::env::temp_dir();
        assert!(folder.ends_with(ns_testbed::own_name()) && folder.is_absolute());
        assert!(ns_testbed::own_name().starts_with("ns-testbed-"));
        assert_eq!(fs::read_dir(&folder).expect("list").count(), 0);
        fs::write(folder.join("file"), "").expect("write");
        fs::remove_file(folder.join("file")).expect("remove");
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
