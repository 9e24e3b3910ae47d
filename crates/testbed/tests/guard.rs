//! The test bed itself: its roles, and its checks for leftovers.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::panic::catch_unwind;
use std::process::Command;

use ns_testbed::{Leftovers, Role, SharedMount, USER, role};

fn status_line(key: &str) -> String {
    let status = fs::read_to_string("/proc/self/status").expect("read status");
    let line = status.lines().find(|line| line.starts_with(key)).expect("the line");
    line[key.len()..].split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The uid of the process that started this one.
fn owner_of_the_tests() -> u32 {
    let parent = std::os::unix::process::parent_id();
    fs::metadata(format!("/proc/{parent}")).map_or(0, |parent| parent.uid())
}

/// IDs, groups and capabilities are those of the role.
#[test]
fn roles_have_their_ids_and_capabilities() {
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

/// In each role the test has a new temporary directory.
#[test]
fn each_test_has_its_own_temporary_directory() {
    ns_testbed::run_as!([Root, User, Nested], {
        let directory = std::env::temp_dir();
        assert!(directory.ends_with(ns_testbed::own_name()) && directory.is_absolute());
        assert!(ns_testbed::own_name().starts_with("ns-testbed-"));
        assert_eq!(fs::read_dir(&directory).expect("list").count(), 0);
        fs::write(directory.join("file"), "").expect("write");
        fs::remove_file(directory.join("file")).expect("remove");
    });
}

/// A descriptor, a zombie and a mount are detected.
#[test]
fn leftovers_are_detected() {
    ns_testbed::run_as!([Root], {
        let before = Leftovers::snapshot();
        let file = File::open("/proc/self/exe").expect("open");
        assert!(
            catch_unwind(|| before.assert_unchanged()).is_err(),
            "an open descriptor was not detected"
        );
        drop(file);

        let mut child = Command::new("true").spawn().expect("spawn");
        assert!(catch_unwind(|| before.assert_unchanged()).is_err(), "a child was not detected");
        child.wait().expect("wait");

        let mount = SharedMount::new();
        assert!(catch_unwind(|| before.assert_unchanged()).is_err(), "a mount was not detected");
        drop(mount);
        before.assert_unchanged();
    });
}

/// Mounts of a body stay in its mount namespace, even if `/` is shared.
#[test]
fn mounts_of_a_test_are_private() {
    ns_testbed::run_as!([Root], {
        let info = fs::read_to_string("/proc/self/mountinfo").expect("read mountinfo");
        let root = info.lines().find(|line| line.split(' ').nth(4) == Some("/")).expect("a root");
        assert!(!root.contains("shared:"), "{root}");
    });
}
