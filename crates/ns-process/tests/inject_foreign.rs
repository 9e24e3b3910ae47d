//! Targets in which nothing is as the caller knows it.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::target::Target;
use ns_process::{Chroot, Container, Errno, Inject, Memory, Mount, Namespace, Step};
use ns_testbed::Leftovers;

fn links(pid: u32) -> Vec<String> {
    let link = |kind: Namespace| fs::read_link(format!("/proc/{pid}/ns/{}", kind.name()));
    Namespace::ALL.map(|kind| link(kind).expect("a link").display().to_string()).to_vec()
}

/// The root of a target, as it is seen from outside.
fn outside(target: &Target, path: &str) -> PathBuf {
    Path::new("/proc").join(target.pid().to_string()).join("root").join(path)
}

/// A target that has programs, and no `/proc` at all.
#[test]
fn c04_a_target_without_proc() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = std::env::temp_dir().join(format!("ns-process-bare-{}", std::process::id()));
        fs::create_dir(&root).expect("mkdir");
        let mut bare = Chroot::new(&root, "sleep");
        bare.arg("1000").all().without(Namespace::Time).map_zero();
        let folders = ["/usr", "/bin", "/lib", "/lib64"].into_iter();
        for folder in folders.filter(|folder| Path::new(folder).exists()) {
            bare.mount(Mount::bind(folder, folder).recursive().read_only().create());
        }
        let target = Target::new(&bare);
        assert!(!outside(&target, "proc").exists());
        for memory in [Memory::Auto, Memory::Copied] {
            let mut inject = Inject::new(&*target, "sleep");
            let process = inject.arg("1000").memory(memory).start().expect("start");
            assert_eq!(links(process.pid()), links(target.pid()));
        }
        let mut echo = Inject::new(&*target, "sh");
        let output = echo.args(["-c", "test -e /proc || echo none"]).output().expect("start");
        assert_eq!(output.stdout, b"none\n");
        drop(target);
        for folder in ["usr", "bin", "lib", "lib64", ""] {
            let _ = fs::remove_dir(root.join(folder));
        }
        assert!(!root.exists());
    });
}

/// What lies in a target where the caller's own proc does is not written to, nor believed.
#[test]
fn c14_d09_a_forged_proc() {
    ns_testbed::run_as!([Root, User, Nested], {
        let script = "mount -t tmpfs none /proc && mkdir -p /proc/thread-self/attr/apparmor && \
                      for file in attr/exec attr/apparmor/exec; do : > /proc/thread-self/$file; done; \
                      exec sleep 1000";
        let mut forger = common::shell(script);
        let target = Target::new(forger.namespaces(["user", "pid", "mnt"]).map_zero());
        let forged = ["attr/apparmor/exec", "attr/exec"]
            .map(|file| outside(&target, "proc/thread-self").join(file));
        common::eventually("it is forged", || forged[0].exists());
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

/// A target of somebody else: a typed error, with the reason, and nothing left.
#[test]
fn c08_a_target_of_somebody_else() {
    ns_testbed::run_as!([User, Nested], {
        let before = Leftovers::snapshot();
        let error = Inject::new(1, "true").start().expect_err("root's");
        assert_eq!(error.step(), Step::Join);
        assert!(matches!(error.errno(), Some(Errno::PERM | Errno::ACCESS)), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("CAP_SYS_PTRACE")), "{error}");
        common::assert_unchanged(&before);
    });
}

/// Its own child, that nobody may trace, and so nobody may enter.
#[test]
fn c08_a_target_that_may_not_be_traced() {
    ns_testbed::run_as!([Root], {
        common::mapped::as_user(|| {
            // A program that its user may execute and not read.
            let program = common::Output::new();
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
