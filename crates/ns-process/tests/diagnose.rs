//! What a machine is told to allow.

mod common;

use ns_process::{Errno, Finding, diagnose};
use ns_testbed::{Leftovers, forked, refuse};

fn found(topic: &str) -> Finding {
    let all = diagnose();
    all.findings().iter().find(|found| found.topic() == topic).cloned().expect(topic)
}

/// Here everything is allowed, and a look leaves nothing behind.
#[test]
fn a_machine_that_allows_it() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = Leftovers::snapshot();
        let all = diagnose();
        common::assert_unchanged(&before);
        for topic in ["user namespace", "time namespace", "new user namespaces", "root", "openat2"]
        {
            let finding = all.findings().iter().find(|found| found.topic() == topic).expect(topic);
            assert!(finding.works() && finding.advice().is_none(), "{finding}");
        }
        assert_eq!(all.to_string().lines().count(), all.findings().len());
    });
}

/// What is forbidden is found, with what to change.
#[test]
fn a_machine_that_does_not() {
    ns_testbed::run_as!([Root, User, Nested], {
        let code = forked(|| {
            refuse(libc::SYS_openat2, Errno::NOSYS);
            refuse(libc::SYS_clone3, Errno::PERM);
            for topic in ["openat2", "seccomp", "no_new_privs", "new user namespaces"] {
                let finding = found(topic);
                assert!(!finding.works() && finding.advice().is_some(), "{finding}");
            }
            let advice = found("new user namespaces").advice().map(str::to_owned);
            assert!(advice.is_some_and(|advice| advice.contains("seccomp")));
            assert!(found("mount_setattr").works());
            0
        });
        assert_eq!(code, 0);
    });
}

/// A limit of none is found, and told by its file.
#[test]
fn b06_a_limit_of_none() {
    ns_testbed::run_as!([Nested], {
        std::fs::write("/proc/sys/user/max_net_namespaces", "0").expect("write");
        let finding = found("net namespace");
        assert!(!finding.works(), "{finding}");
        assert!(finding.advice().is_some_and(|advice| advice.contains("max_net_namespaces")));
    });
}
