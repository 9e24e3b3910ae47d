//! A `/proc` that is not what it should be.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::symlink;

use ns_idmap::{GidMap, ProcError, Setgroups, UidMap, Writer};
use ns_testbed::{forked, refuse};
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::fixture::{Folder, Over};
use crate::process::{Target, pair};

fn errno(error: &ProcError) -> Option<i32> {
    error.source().and_then(|source| source.downcast_ref::<io::Error>()?.raw_os_error())
}

/// A folder that only looks like /proc/PID is refused, and its files are left alone.
#[test]
fn a15_fake_proc() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("fake");
        for file in ["uid_map", "gid_map", "setgroups"] {
            folder.file(file, "");
        }
        let dir = File::open(folder.path("")).expect("open");
        let error = UidMap::current().write(&dir).expect_err("not proc");
        assert!(matches!(error, ProcError::NotProc { file: "uid_map" }), "{error:?}");
        for setgroups in [Setgroups::Deny, Setgroups::Keep] {
            let error = GidMap::current().write(&dir, setgroups).expect_err("not proc");
            assert!(matches!(error, ProcError::NotProc { .. }), "{error:?}");
        }
        let error = UidMap::read(&dir).expect_err("not proc");
        assert!(matches!(error, ProcError::NotProc { .. }), "{error:?}");
        for file in ["uid_map", "gid_map", "setgroups"] {
            assert_eq!(fs::read_to_string(folder.path(file)).expect("read"), "");
        }
    });
}

/// A limit on open files is named, whichever limit it is.
#[test]
fn a15_open_file_limits() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::new();
        let code = forked(|| {
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
            0
        });
        assert_eq!(code, 0);
        assert!(opening(&target, Errno::NFILE).contains("file-max"));
    });
}

/// An errno without a known reason gets no explanation.
#[test]
fn a15_other_errors_are_not_explained() {
    ns_testbed::run_as!([Root, User, Nested], {
        for errno in [Errno::NOMEM, Errno::INTR, Errno::IO] {
            assert_eq!(opening(&Target::new(), errno), "could not open uid_map");
        }
    });
}

/// What a write says where opening the map file fails with `refused`.
fn opening(target: &Target, refused: Errno) -> String {
    let (mut said, tell) = pair();
    let code = forked(|| {
        refuse(libc::SYS_openat2, refused);
        let error = UidMap::current().write(target).expect_err("refused");
        assert_eq!(errno(&error), Some(refused.raw_os_error()));
        (&tell).write_all(error.to_string().as_bytes()).expect("tell");
        0
    });
    assert_eq!(code, 0);
    drop(tell);
    let mut words = String::new();
    said.read_to_string(&mut words).expect("words");
    words
}

/// A link is refused by the older open as well.
#[test]
fn a15_a_link_without_openat2() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("older");
        let dir = File::open(folder.path("")).expect("open");
        symlink("/proc/self/uid_map", folder.path("uid_map")).expect("link");
        let code = forked(|| {
            refuse(libc::SYS_openat2, Errno::NOSYS);
            let error = UidMap::from(1000).write(&dir).expect_err("a link");
            assert_eq!(errno(&error), Some(libc::ELOOP));
            assert!(error.to_string().contains("symbolic link"), "{error}");
            0
        });
        assert_eq!(code, 0);
    });
}

/// No file, a link in its place, and a file mounted over it.
#[test]
fn a15_missing_and_redirected() {
    ns_testbed::run_as!([Root], {
        let folder = Folder::new("redirected");
        let dir = File::open(folder.path("")).expect("open");
        let error = UidMap::from(1000).write(&dir).expect_err("nothing there");
        assert_eq!(errno(&error), Some(libc::ENOENT));

        let (target, other) = (Target::new(), Target::new());
        symlink(format!("/proc/{}/uid_map", other.pid()), folder.path("uid_map")).expect("link");
        let error = UidMap::from(1000).write(&dir).expect_err("a link");
        assert_eq!(errno(&error), Some(libc::ELOOP));

        let [from, to] = [&other, &target].map(|t| format!("/proc/{}/uid_map", t.pid()));
        let over = Over::bind(from.as_ref(), to);
        let error = UidMap::from(1000).write(&target).expect_err("another's file");
        assert_eq!(errno(&error), Some(libc::EXDEV));
        assert!(error.to_string().contains("mounted on it"), "{error}");
        drop(over);
        assert_eq!(other.shown("uid_map"), "");
    });
}

/// A proc mounted read-only says so.
#[test]
fn a15_read_only_proc() {
    ns_testbed::run_as!([Root], {
        let folder = Folder::new("read-only");
        mount("proc", folder.path(""), "proc", MountFlags::RDONLY, None).expect("mount proc");
        let over = Over::mounted(folder.path(""));
        let target = Target::new();
        let dir = File::open(folder.path(&target.pid().to_string())).expect("open");
        let error = UidMap::from(1000).write(&dir).expect_err("read-only");
        assert_eq!(errno(&error), Some(libc::EROFS));
        assert_eq!(error.to_string(), "could not open uid_map: mount this /proc read-write");
        drop((dir, over));
    });
}

/// A process that is gone is an error, not a silent success.
#[test]
fn a15_process_gone() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::new();
        let dir = File::open(format!("/proc/{}", target.pid())).expect("open");
        drop(target);
        for error in [
            UidMap::current().write(&dir).expect_err("gone"),
            UidMap::read(&dir).expect_err("gone"),
        ] {
            assert!(error.to_string().contains("it may have terminated"), "{error:?}");
        }
    });
}
