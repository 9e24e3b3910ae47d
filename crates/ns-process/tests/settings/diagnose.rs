//! The report on what the machine allows.

use crate::common::{assert_unchanged, in_child};
use ns_process::{Errno, Finding, diagnose};
use ns_testbed::{Leftovers, refuse};

fn found(topic: &str) -> Finding {
    let all = diagnose();
    all.findings().iter().find(|found| found.topic() == topic).cloned().expect(topic)
}

/// On a machine that allows everything each finding works, and the check leaves nothing behind.
#[test]
fn each_feature_is_found_to_work() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = Leftovers::snapshot();
        let all = diagnose();
        assert_unchanged(&before);
        for topic in ["user namespace", "time namespace", "new user namespaces", "root", "openat2"]
        {
            let finding = all.findings().iter().find(|found| found.topic() == topic).expect(topic);
            assert!(finding.works() && finding.advice().is_none(), "{finding}");
        }
        assert_eq!(all.to_string().lines().count(), all.findings().len());
    });
}

/// A forbidden feature is reported, with advice.
#[test]
fn a_forbidden_feature_is_reported_with_advice() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            refuse(libc::SYS_openat2, Errno::NOSYS);
            refuse(libc::SYS_clone3, Errno::PERM);
            for topic in ["openat2", "seccomp", "no_new_privs", "new user namespaces"] {
                let finding = found(topic);
                assert!(!finding.works() && finding.advice().is_some(), "{finding}");
            }
            let advice = found("new user namespaces").advice().map(str::to_owned);
            assert!(advice.is_some_and(|advice| advice.contains("seccomp")));
            assert!(found("mount_setattr").works());
        });
    });
}

/// A limit of zero is reported with the path of its file.
#[test]
fn b06_a_limit_of_zero_is_reported_with_its_file() {
    ns_testbed::run_as!([Nested], {
        std::fs::write("/proc/sys/user/max_net_namespaces", "0").expect("write");
        let finding = found("net namespace");
        assert!(!finding.works(), "{finding}");
        assert!(finding.advice().is_some_and(|advice| advice.contains("max_net_namespaces")));
    });
}
