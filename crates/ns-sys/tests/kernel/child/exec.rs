//! Execute programs.
#![allow(unsafe_code, reason = "the calls under test")]

use std::ffi::CStr;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;
use std::ptr;

use ns_sys::Errno;
use ns_sys::child;
use ns_testbed::forked;
use rustix::fs::{AtFlags, Mode};

/// A child executes a program by path and by descriptor.
#[test]
fn execve_and_execveat_run_a_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        let argv = [c"sh".as_ptr(), c"-c".as_ptr(), c"exit $CODE".as_ptr(), ptr::null()];
        let envp = [c"CODE=9".as_ptr(), ptr::null()];
        // SAFETY: both arrays end with a null pointer.
        let exec = |path: &CStr| unsafe { child::execve(path, argv.as_ptr(), envp.as_ptr()) };
        assert_eq!(forked(|| exec(c"/bin/sh").raw_os_error()), 9);
        assert_eq!(exec(c"/nope"), Errno::NOENT);
        assert_eq!(exec(c"/etc"), Errno::ACCESS);

        let shell = File::open("/bin/sh").expect("open");
        let empty = AtFlags::EMPTY_PATH;
        // SAFETY: both arrays end with a null pointer.
        let by_fd =
            || unsafe { child::execveat(shell.as_fd(), c"", argv.as_ptr(), envp.as_ptr(), empty) };
        assert_eq!(forked(|| by_fd().raw_os_error()), 9);
    });
}

/// The interpreter of a script cannot open it through a close-on-exec descriptor.
#[test]
fn e07_script_by_close_on_exec_descriptor_fails() {
    ns_testbed::run_as!([Root, User], {
        let path = std::env::temp_dir().join(format!("ns-sys-script-{}", std::process::id()));
        File::create(&path).expect("create").write_all(b"#!/bin/sh\nexit 3\n").expect("write");
        rustix::fs::chmod(&path, Mode::from_bits_truncate(0o755)).expect("chmod");
        let script = File::open(&path).expect("open");
        let argv = [c"script".as_ptr(), ptr::null()];
        let exec = || {
            // SAFETY: both arrays end with a null pointer.
            unsafe {
                child::execveat(
                    script.as_fd(),
                    c"",
                    argv.as_ptr(),
                    argv[1..].as_ptr(),
                    AtFlags::EMPTY_PATH,
                )
            }
        };
        assert_eq!(exec(), Errno::NOENT);
        child::fcntl_setfd(script.as_fd(), false).expect("setfd");
        assert_eq!(forked(|| exec().raw_os_error()), 3);
        fs::remove_file(&path).expect("remove");
    });
}
