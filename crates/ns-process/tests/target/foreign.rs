//! Targets without proc, with a forged proc, and targets that the caller may not join.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::target::{Target, namespaces_of};
use crate::common::users::as_user;
use crate::common::{Directory, Output, assert_unchanged, eventually, mount_host_programs, shell};
use ns_process::{Chroot, Container, Errno, Inject, Memory, Namespace, Step};
use ns_testbed::Leftovers;

/// A path in the root of a target, for the caller.
fn path_in(target: &Target, path: &str) -> PathBuf {
    Path::new("/proc").join(target.pid().to_string()).join("root").join(path)
}

/// A target without `/proc` is joined.
#[test]
fn c04_a_target_without_proc_is_joined() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::new("bare");
        let mut bare = Chroot::new(&*root, "sleep");
        bare.arg("1000").all().without(Namespace::Time).map_zero();
        mount_host_programs(&mut bare);
        let target = Target::new(&bare);
        assert!(!path_in(&target, "proc").exists());
        for memory in [Memory::Auto, Memory::Copied] {
            let mut inject = Inject::new(&*target, "sleep");
            let process = inject.arg("1000").memory(memory).start().expect("start");
            assert_eq!(namespaces_of(process.pid()), namespaces_of(target.pid()));
        }
        let mut echo = Inject::new(&*target, "sh");
        let output = echo.args(["-c", "test -e /proc || echo none"]).output().expect("start");
        assert_eq!(output.stdout, b"none\n");
    });
}

/// Forged files in `/proc` of a target are neither written nor trusted.
#[test]
fn c14_d09_a_forged_proc_is_not_used() {
    ns_testbed::run_as!([Root, User, Nested], {
        let script = "mount -t tmpfs none /proc && mkdir -p /proc/thread-self/attr/apparmor && \
                      for file in attr/exec attr/apparmor/exec; do : > /proc/thread-self/$file; done; \
                      exec sleep 1000";
        let mut forger = shell(script);
        let target = Target::new(forger.namespaces(["user", "pid", "mnt"]).map_zero());
        let forged = ["attr/apparmor/exec", "attr/exec"]
            .map(|file| path_in(&target, "proc/thread-self").join(file));
        eventually("it is forged", || forged[0].exists());
        if fs::read_to_string("/proc/self/attr/current").is_ok_and(|label| !label.is_empty()) {
            ns_testbed::skip!("a security module takes labels here");
        }
        for memory in [Memory::Auto, Memory::Copied] {
            let mut inject = Inject::new(&*target, "true");
            let error = inject.exec_label("box").memory(memory).start().expect_err("no module");
            assert_eq!(error.step(), Step::ExecLabel, "{error}");
        }
        for file in forged {
            assert_eq!(fs::read_to_string(file).expect("read"), "");
        }
    });
}

/// A target of another user is an error with the reason, and nothing is left.
#[test]
fn c08_a_target_of_another_user_is_refused() {
    ns_testbed::run_as!([User, Nested], {
        let before = Leftovers::snapshot();
        let error = Inject::new(1, "true").start().expect_err("a process of root");
        assert_eq!(error.step(), Step::Join);
        assert!(matches!(error.errno(), Some(Errno::PERM | Errno::ACCESS)), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("CAP_SYS_PTRACE")), "{error}");
        assert_unchanged(&before);
    });
}

/// A child of the caller that it may not trace cannot be joined.
#[test]
fn c08_an_untraceable_target_is_refused() {
    ns_testbed::run_as!([Root], {
        as_user(|| {
            // A program that its user may execute but not read.
            let program = Output::new();
            fs::copy("/bin/sleep", program.path()).expect("copy");
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o111);
            fs::set_permissions(program.path(), mode).expect("chmod");
            let mut container = Container::new(program.path());
            let target = Target::new(container.arg("1000").namespace(Namespace::User));
            let error = Inject::new(&*target, "true").start().expect_err("it is not dumpable");
            assert_eq!((error.step(), error.errno()), (Step::Join, Some(Errno::ACCESS)), "{error}");
        });
    });
}
