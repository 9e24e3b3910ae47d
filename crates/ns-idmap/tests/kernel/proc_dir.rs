//! Directories that are not a usable `/proc/PID`.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::symlink;

use ns_idmap::{GidMap, ProcError, Setgroups, UidMap, Writer};
use ns_testbed::refuse;
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::fixtures::{MountGuard, TestDir};
use crate::process::{Target, in_child, socket_pair};

fn errno(error: &ProcError) -> Option<i32> {
    error.source().and_then(|source| source.downcast_ref::<io::Error>()?.raw_os_error())
}

/// A directory that is not on a proc file system is refused, and its files stay unchanged.
#[test]
fn a15_directory_not_on_proc() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TestDir::new("fake");
        for file in ["uid_map", "gid_map", "setgroups"] {
            dir.file(file, "");
        }
        let proc_dir = File::open(dir.path("")).expect("open");
        let error = UidMap::current().write(&proc_dir).expect_err("not proc");
        assert!(matches!(error, ProcError::NotProc { file: "uid_map" }), "{error:?}");
        for setgroups in [Setgroups::Deny, Setgroups::Keep] {
            let error = GidMap::current().write(&proc_dir, setgroups).expect_err("not proc");
            assert!(matches!(error, ProcError::NotProc { .. }), "{error:?}");
        }
        let error = UidMap::read(&proc_dir).expect_err("not proc");
        assert!(matches!(error, ProcError::NotProc { .. }), "{error:?}");
        for file in ["uid_map", "gid_map", "setgroups"] {
            assert_eq!(fs::read_to_string(dir.path(file)).expect("read"), "");
        }
    });
}

/// The error names the limit on open files that is reached.
#[test]
fn a15_open_file_limits() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::new();
        in_child(|| {
            let limit = getrlimit(Resource::Nofile);
            setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..limit }).expect("setrlimit");
            let errors = [
                UidMap::current().write(&target).expect_err("EMFILE"),
                GidMap::read(&target).expect_err("EMFILE"),
                Writer::current().expect_err("EMFILE"),
            ];
            for error in errors {
                assert_eq!(errno(&error), Some(libc::EMFILE));
                assert!(error.to_string().contains(": RLIMIT_NOFILE is reached"), "{error}");
            }
        });
        assert!(message_of_open(&target, Errno::NFILE).contains("file-max"));
    });
}

/// The message of an errno without a known reason has no explanation.
#[test]
fn a15_other_errors_are_not_explained() {
    ns_testbed::run_as!([Root, User, Nested], {
        for errno in [Errno::NOMEM, Errno::INTR, Errno::IO] {
            assert_eq!(message_of_open(&Target::new(), errno), "could not open uid_map");
        }
    });
}

/// The error message of a write whose openat2(2) fails with `refused`.
fn message_of_open(target: &Target, refused: Errno) -> String {
    let (mut receiver, sender) = socket_pair();
    in_child(|| {
        refuse(libc::SYS_openat2, refused);
        let error = UidMap::current().write(target).expect_err("refused");
        assert_eq!(errno(&error), Some(refused.raw_os_error()));
        (&sender).write_all(error.to_string().as_bytes()).expect("send");
    });
    drop(sender);
    let mut message = String::new();
    receiver.read_to_string(&mut message).expect("receive");
    message
}

/// A symbolic link is refused without openat2(2) too.
#[test]
fn a15_symbolic_link_without_openat2() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TestDir::new("older");
        let proc_dir = File::open(dir.path("")).expect("open");
        symlink("/proc/self/uid_map", dir.path("uid_map")).expect("symlink");
        in_child(|| {
            refuse(libc::SYS_openat2, Errno::NOSYS);
            let error = UidMap::from(1000).write(&proc_dir).expect_err("a symbolic link");
            assert_eq!(errno(&error), Some(libc::ELOOP));
            assert!(error.to_string().contains("symbolic link"), "{error}");
        });
    });
}

/// A missing file, a symbolic link, and a file with a mount on top are refused.
#[test]
fn a15_missing_and_redirected() {
    ns_testbed::run_as!([Root], {
        let dir = TestDir::new("redirected");
        let proc_dir = File::open(dir.path("")).expect("open");
        let error = UidMap::from(1000).write(&proc_dir).expect_err("a missing file");
        assert_eq!(errno(&error), Some(libc::ENOENT));

        let (target, other) = (Target::new(), Target::new());
        let [target_map, other_map] =
            [&target, &other].map(|process| format!("/proc/{}/uid_map", process.pid()));
        symlink(&other_map, dir.path("uid_map")).expect("symlink");
        let error = UidMap::from(1000).write(&proc_dir).expect_err("a symbolic link");
        assert_eq!(errno(&error), Some(libc::ELOOP));

        let mount = MountGuard::bind(other_map.as_ref(), target_map);
        let error = UidMap::from(1000).write(&target).expect_err("the file of another process");
        assert_eq!(errno(&error), Some(libc::EXDEV));
        assert!(error.to_string().contains("mounted on it"), "{error}");
        drop(mount);
        assert_eq!(other.shown("uid_map"), "");
    });
}

/// The error says that the proc file system is mounted read-only.
#[test]
fn a15_read_only_proc() {
    ns_testbed::run_as!([Root], {
        let dir = TestDir::new("read-only");
        mount("proc", dir.path(""), "proc", MountFlags::RDONLY, None).expect("mount proc");
        let guard = MountGuard::adopt(dir.path(""));
        let target = Target::new();
        let proc_dir = File::open(dir.path(&target.pid().to_string())).expect("open");
        let error = UidMap::from(1000).write(&proc_dir).expect_err("read-only");
        assert_eq!(errno(&error), Some(libc::EROFS));
        assert_eq!(error.to_string(), "could not open uid_map: mount this /proc read-write");
        drop((proc_dir, guard));
    });
}

/// A write for a process that has terminated is an error.
#[test]
fn a15_terminated_process() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::new();
        let proc_dir = File::open(format!("/proc/{}", target.pid())).expect("open");
        drop(target);
        for error in [
            UidMap::current().write(&proc_dir).expect_err("terminated"),
            UidMap::read(&proc_dir).expect_err("terminated"),
        ] {
            assert!(error.to_string().contains("it may have terminated"), "{error:?}");
        }
    });
}
