//! Maps that newuidmap and newgidmap write.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use common::mapped::{MAPS, as_user, delegated, inside, printed};
use ns_process::{Container, Helper, Namespace, Step};
use ns_testbed::{Leftovers, USER};

/// What is delegated, by the helpers, every extent of it; ids beyond are refused before the clone.
#[test]
fn a16_a21_delegated_ids() {
    ns_testbed::run_as!([Root], {
        if !std::path::Path::new("/usr/bin/newuidmap").exists() {
            ns_testbed::skip!("no newuidmap");
        }
        let _etc = delegated();
        as_user(|| {
            for count in [1_u32, 6, 7, 8, 100] {
                let extents = (0..count).map(|n| format!("{} {} 1", n + 1, 100_000 + n * 2));
                let map = [format!("0 {USER} 1")].into_iter().chain(extents).collect::<Vec<_>>();
                let mut container = inside(&format!("{MAPS}; cat /proc/self/setgroups"));
                container.uid_map(map.join(",").parse().expect("map"));
                container.gid_map(map.join(",").parse().expect("map"));
                let lines =
                    map.iter().map(|line| format!(" {line}\n")).collect::<Vec<_>>().concat();
                assert_eq!(printed(&container), format!("{lines}{lines}allow\n"));
            }
            let mut container = inside("true");
            container.uid_map("0 300000 1".parse().expect("map"));
            let error = container.start().expect_err("not delegated");
            assert_eq!(error.step(), Step::UidMap);
            assert!(error.to_string().contains("subuid"), "{error}");
        });
    });
}

/// How a helper ended is told, and nothing of it is left.
#[test]
fn a17_a18_a19_helpers() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated();
        let folder = std::env::temp_dir().join(format!("ns-process-helper-{}", std::process::id()));
        fs::create_dir(&folder).expect("mkdir");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("chmod");
        let script = |name: &str, body: &str| {
            let path = folder.join(name);
            fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("write");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
            path
        };
        let evil = script("newuidmap", "echo ran > /tmp/ns-process-evil");
        for (body, words) in [
            ("echo no >&2; exit 3", "exit status: 3: no"),
            ("kill -KILL $$", "signal: 9 (SIGKILL)"),
        ] {
            let helper = Helper::at(script("helper", body)).expect("absolute");
            as_user(|| {
                let before = Leftovers::snapshot();
                let mut container = Container::new("true");
                container.namespace(Namespace::User).uid_map("0 100000 10".parse().expect("map"));
                container.uid_map_helper(helper);
                let error = container.start().expect_err("the helper refuses");
                assert_eq!(error.step(), Step::UidMap);
                assert!(error.to_string().contains(words), "{error}");
                before.assert_unchanged();
            });
        }
        // One's own id needs none, wherever PATH leads.
        as_user(|| {
            let mut container = Container::new("/bin/true");
            container.namespace(Namespace::User).map_zero().env("PATH", &folder);
            container.uid_map_helper(Helper::at(&evil).expect("absolute"));
            assert!(container.status().expect("start").success());
        });
        assert!(!fs::exists("/tmp/ns-process-evil").expect("look"));
        fs::remove_dir_all(&folder).expect("remove");
    });
}

/// Helpers gain nothing under no_new_privs, and the error says so.
#[test]
fn a20_no_new_privs() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated();
        as_user(|| {
            rustix::thread::set_no_new_privs(true).expect("prctl");
            let mut container = Container::new("true");
            container.namespace(Namespace::User).uid_map("0 100000 10".parse().expect("map"));
            let error = container.start().expect_err("no privilege");
            assert_eq!(error.step(), Step::UidMap);
            assert!(error.to_string().contains("no_new_privs"), "{error}");
        });
    });
}
