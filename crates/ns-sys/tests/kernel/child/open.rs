//! Open files, and poll them.
#![allow(unsafe_code, reason = "the calls under test")]

use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use ns_sys::Errno;
use ns_sys::child;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

use super::owned;

/// The target of a descriptor's link in `/proc/self/fd`.
fn target(fd: &OwnedFd) -> String {
    let link = fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).expect("read the link");
    link.to_string_lossy().into_owned()
}

/// openat opens a path, and openat2 only within its resolve flags.
#[test]
fn openat2_resolves_within_its_flags() {
    ns_testbed::run_as!([Root, User, Nested], {
        let read = OFlags::RDONLY | OFlags::CLOEXEC;
        let root = owned(child::openat(CWD, c"/", read, Mode::empty()).expect("openat"));
        assert_eq!(target(&root), "/");
        assert_eq!(child::openat(CWD, c"/nope", read, Mode::empty()), Err(Errno::NOENT));

        let proc = owned(child::openat(root.as_fd(), c"proc", read, Mode::empty()).expect("proc"));
        // A concurrent mount in another test makes the resolution of `..` fail with EAGAIN.
        let resolve = |path, how| loop {
            match child::openat2(proc.as_fd(), path, read, Mode::empty(), how) {
                Err(Errno::AGAIN) => {}
                result => break result,
            }
        };
        let inside = owned(resolve(c"self/status", ResolveFlags::BENEATH).expect("beneath"));
        assert!(target(&inside).starts_with("/proc/"));
        assert_eq!(resolve(c"../etc", ResolveFlags::BENEATH), Err(Errno::XDEV));
        let confined = owned(resolve(c"../..", ResolveFlags::IN_ROOT).expect("in root"));
        assert_eq!(target(&confined), "/proc");
    });
}

/// read returns what write wrote, at most the length of the buffer, and 0 at the end.
#[test]
fn f28_bytes_are_read_once() {
    ns_testbed::run_as!([Root, User], {
        let (reader, writer) = std::io::pipe().expect("pipe");
        assert_eq!(child::write(writer.as_fd(), b"abcde"), Ok(5));
        let mut buffer = [0; 3];
        assert_eq!(child::read(reader.as_fd(), &mut buffer), Ok(3));
        assert_eq!(&buffer, b"abc");
        assert_eq!(child::read(reader.as_fd(), &mut []), Ok(0));
        assert_eq!(child::read(reader.as_fd(), &mut buffer), Ok(2));
        assert_eq!(&buffer, b"dec");
        assert_eq!(child::read(writer.as_fd(), &mut buffer), Err(Errno::BADF));
        drop(writer);
        assert_eq!(child::read(reader.as_fd(), &mut buffer), Ok(0));
        let directory = fs::File::open("/").expect("open");
        assert_eq!(child::read(directory.as_fd(), &mut buffer), Err(Errno::ISDIR));
    });
}

/// A pipe with data is readable, and a pidfd of a terminated process.
#[test]
fn f28_data_and_terminated_processes_are_readable() {
    ns_testbed::run_as!([Root, User], {
        let (reader, writer) = std::io::pipe().expect("pipe");
        assert_eq!(child::is_readable(reader.as_fd()), Ok(false));
        assert_eq!(child::write(writer.as_fd(), b"x"), Ok(1));
        assert_eq!(child::is_readable(reader.as_fd()), Ok(true));
        drop(writer);
        // SAFETY: the call under test must report that this descriptor is not open.
        let closed = unsafe { std::os::fd::BorrowedFd::borrow_raw(999) };
        assert_eq!(child::is_readable(closed), Err(Errno::BADF));

        let mut sleeper = std::process::Command::new("sleep").arg("1000").spawn().expect("spawn");
        let pidfd = ns_sys::pidfd_open(sleeper.id()).expect("pidfd_open");
        assert_eq!(child::is_readable(pidfd.as_fd()), Ok(false));
        sleeper.kill().expect("kill");
        sleeper.wait().expect("wait");
        assert_eq!(child::is_readable(pidfd.as_fd()), Ok(true));
    });
}
