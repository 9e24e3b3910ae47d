//! The working directory, the limits and the size of a payload.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::changed::{refused, released};
use crate::common::{Directory, elf, shell};
use crate::support::{code_of, parked};
use ns_process::{Chroot, Errno, Namespace, Payload, Resource, Step};

/// A working directory is absolute, or relative to the planned one, inside the root.
#[test]
fn a_workdir_is_relative_to_the_planned_one() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut planned = shell("pwd -P");
        planned.workdir("/usr");
        assert_eq!(released(&mut planned, |payload| payload), "/usr\n");
        for (path, expected) in [("/", "/\n"), ("bin/..", "/usr\n"), (".", "/usr\n"), ("..", "/\n")]
        {
            assert_eq!(released(&mut planned, |payload| payload.workdir(path)), expected);
        }
        let error = refused(&planned, |payload| payload.workdir("/no/such/directory"));
        assert_eq!((error.step(), error.errno()), (Step::Workdir, Some(Errno::NOENT)), "{error}");
        assert_eq!(error.object(), Some("/no/such/directory"));
        assert_eq!(error.hint(), Some("there is no such directory inside the root"));
        let error = refused(&planned, |payload| payload.workdir("/dev/null"));
        assert_eq!((error.step(), error.errno()), (Step::Workdir, Some(Errno::NOTDIR)), "{error}");
        // A relative program is looked up in the new directory.
        let directory = Directory::new("workdir");
        let tool = directory.join("tool");
        fs::write(&tool, "#!/bin/sh\nexit 9\n").expect("write");
        let mode = Permissions::from_mode(0o755);
        fs::set_permissions(&tool, mode).expect("chmod");
        let mut payload = Payload::new();
        payload.program("./tool").workdir(&*directory);
        let process = parked(&planned).release_with(&payload).expect("release");
        assert_eq!(code_of(&process), Some(9));
        // Inside a new root.
        let root = Directory::with("root", &["inside"]);
        let mut chroot = Chroot::new(&*root, "/tool");
        chroot.map_zero();
        let tool = root.join("tool");
        fs::write(&tool, elf::program()).expect("write");
        let mode = Permissions::from_mode(0o755);
        fs::set_permissions(&tool, mode).expect("chmod");
        for path in ["/inside", "inside", "..", "/../.."] {
            let mut payload = Payload::new();
            payload.workdir(path);
            let process = parked(&chroot).release_with(&payload).expect(path);
            assert_eq!(code_of(&process), Some(7));
        }
        let mut payload = Payload::new();
        payload.workdir("/usr");
        let error = parked(&chroot).release_with(&payload).expect_err("not in the root");
        assert_eq!((error.step(), error.errno()), (Step::Workdir, Some(Errno::NOENT)), "{error}");
    });
}

/// Limits are lowered; they can be raised with privilege only.
#[test]
fn limits_are_lowered() {
    ns_testbed::run_as!([Root, User], {
        let mut planned = shell("ulimit -S -n; ulimit -H -n; ulimit -H -c");
        planned.rlimit(Resource::Nofile, 50, 60).rlimit(Resource::Core, 0, 0);
        let seen = released(&mut planned, |payload| {
            payload.rlimit(Resource::Nofile, 1, 1).rlimit(Resource::Nofile, 30, 40)
        });
        assert_eq!(seen, "30\n40\n0\n");
        planned.namespaces([Namespace::User]).map_zero();
        let error = refused(&planned, |payload| payload.rlimit(Resource::Nofile, 30, 4000));
        assert_eq!((error.step(), error.errno()), (Step::Rlimit, Some(Errno::PERM)), "{error}");
        assert_eq!(error.object(), Some("Nofile"));
        assert!(error.hint().is_some_and(|hint| hint.contains("CAP_SYS_RESOURCE")), "{error}");
        let error = refused(&planned, |payload| payload.rlimit(Resource::Nofile, 30, 20));
        assert_eq!((error.step(), error.errno()), (Step::Rlimit, Some(Errno::INVAL)), "{error}");
    });
}

/// Large arguments and environments arrive; too large ones are an error with a hint.
#[test]
fn large_arguments_arrive() {
    ns_testbed::run_as!([Root, User], {
        let mut planned = shell("exit 3");
        let text = "x".repeat(1000);
        let seen = released(&mut planned, |payload| {
            payload.args(["-c", "echo $# ${#4}; echo ${#LARGE}", "sh"]);
            payload.args(std::iter::repeat_n(&text, 1024)).env("LARGE", "y".repeat(100_000))
        });
        assert_eq!(seen, "1024 1000\n100000\n");
        // One string has at most 128 KiB.
        let long = "x".repeat(200_000);
        let error = refused(&planned, |payload| payload.arg(&long));
        assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::TOOBIG)), "{error}");
        let hint = error.hint().unwrap_or_default();
        assert!(hint.ends_with("arguments and environment are too large"), "{error}");
        let error = refused(&planned, |payload| {
            payload.program("/bin/sh").args(std::iter::repeat_n(&text, 8192))
        });
        assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::TOOBIG)), "{error}");
        assert_eq!(error.hint(), Some("arguments and environment are too large"));
        // A large plan arrives in the same way.
        let mut large = shell("exit $(($# / 256))");
        large.arg("sh").args(std::iter::repeat_n(&text, 1024));
        assert_eq!(code_of(&parked(&large).release().expect("release")), Some(4));
    });
}
