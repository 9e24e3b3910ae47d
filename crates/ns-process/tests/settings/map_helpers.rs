//! Maps that newuidmap and newgidmap write.
#![allow(unsafe_code, reason = "the environment of a forked child")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::common::users::{MAPS, as_user, delegated, has_newuidmap, inside};
use crate::common::{assert_unchanged, printed, reap_all};
use ns_process::{Container, Helper, Namespace, Step, Uid};
use ns_testbed::{Leftovers, USER};

/// A directory of scripts that the user of the tests may run and write to.
struct Scripts(PathBuf);

impl Scripts {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ns-process-{name}-{}", std::process::id()));
        fs::create_dir(&path).expect("mkdir");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("chmod");
        Self(path)
    }

    fn write(&self, name: &str, body: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("write");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
        path
    }

    fn helper(&self, name: &str, body: &str) -> Helper<Uid> {
        Helper::at(self.write(name, body)).expect("absolute")
    }
}

impl Drop for Scripts {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The helpers write every extent of delegated IDs. Other IDs are refused.
#[test]
fn a16_a21_delegated_ids_are_mapped_by_helpers() {
    ns_testbed::run_as!([Root], {
        if !has_newuidmap() {
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

/// The status and the message of a failed helper are reported, and nothing is left.
#[test]
fn a17_a19_a_failed_helper_is_reported() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated();
        let scripts = Scripts::new("helpers");
        for (body, message) in [
            ("echo no >&2; exit 3", "exit status: 3: no"),
            ("kill -KILL $$", "signal: 9 (SIGKILL)"),
        ] {
            let helper = scripts.helper("helper", body);
            as_user(|| {
                let before = Leftovers::snapshot();
                let mut container = Container::new("true");
                container.namespace(Namespace::User).uid_map("0 100000 10".parse().expect("map"));
                container.uid_map_helper(helper);
                let error = container.start().expect_err("the helper refuses");
                assert_eq!(error.step(), Step::UidMap);
                assert!(error.to_string().contains(message), "{error}");
                assert_unchanged(&before);
            });
        }
        // The caller's own ID needs no helper.
        let unused = scripts.helper("unused", "exit 3");
        as_user(|| {
            let mut container = Container::new("/bin/true");
            container.namespace(Namespace::User).map_zero();
            container.uid_map_helper(unused);
            assert!(container.status().expect("start").success());
        });
    });
}

/// If a helper is slow, the program waits for its map and begins with capabilities.
#[test]
fn a01_the_program_waits_for_a_slow_helper() {
    ns_testbed::run_as!([Root], {
        if !has_newuidmap() {
            ns_testbed::skip!("no newuidmap");
        }
        let _etc = delegated();
        let scripts = Scripts::new("late");
        let late = scripts.helper("late", "sleep 0.2; exec /usr/bin/newuidmap \"$@\"");
        as_user(|| {
            let mut container = inside(&format!("{MAPS}; grep CapEff /proc/self/status"));
            container.uid_map(format!("0 {USER} 1,1 100000 10").parse().expect("map"));
            container.uid_map_helper(late);
            let begin = std::time::Instant::now();
            let output = printed(&container);
            assert!(begin.elapsed() >= std::time::Duration::from_millis(200));
            assert!(output.starts_with(&format!(" 0 {USER} 1\n 1 100000 10\n")), "{output}");
            assert!(!output.contains("CapEff:\t0000000000000000"), "{output}");
        });
    });
}

/// The helper is not searched in the PATH of the caller.
#[test]
fn a18_helpers_are_not_searched_in_path() {
    ns_testbed::run_as!([Root], {
        if !has_newuidmap() {
            ns_testbed::skip!("no newuidmap");
        }
        let _etc = delegated();
        let evil = Scripts::new("evil");
        for name in ["newuidmap", "newgidmap"] {
            evil.write(name, &format!("touch {}/ran", evil.0.display()));
        }
        as_user(|| {
            let path = format!("{}:/usr/bin:/bin", evil.0.display());
            // SAFETY: this process has one thread.
            unsafe { std::env::set_var("PATH", path) };
            let mut container = inside(MAPS);
            let map = "0 100000 10";
            container.uid_map(map.parse().expect("map")).gid_map(map.parse().expect("map"));
            assert_eq!(printed(&container), " 0 100000 10\n 0 100000 10\n");
        });
        assert!(!evil.0.join("ran").exists());
    });
}

/// Helpers fail under no_new_privs, and the error names the reason.
#[test]
fn a20_helpers_fail_under_no_new_privs() {
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

/// A helper that hangs is killed and reaped at the timeout of the start.
#[test]
fn f32_a_helper_that_hangs_ends_at_the_timeout() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated();
        let scripts = Scripts::new("hanging");
        let helper = scripts.helper("hang", "exec sleep 1000");
        as_user(|| {
            let before = Leftovers::snapshot();
            let limit = std::time::Duration::from_millis(200);
            let begin = std::time::Instant::now();
            let mut container = inside("true");
            container.uid_map(format!("0 {USER} 1,1 100000 5").parse().expect("map"));
            container.uid_map_helper(helper.clone()).start_timeout(limit);
            let error = container.start().expect_err("it hangs");
            assert_eq!(error.step(), Step::StartTimeout, "{error}");
            assert!(error.to_string().contains("hang"), "{error}");
            assert!(begin.elapsed() < ns_testbed::LONG, "{:?}", begin.elapsed());
            reap_all();
            assert_unchanged(&before);
        });
    });
}
