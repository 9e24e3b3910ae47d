//! A start that takes long, because another process has a lease on the program.
#![allow(unsafe_code, reason = "fcntl(F_SETLEASE), which rustix lacks")]

#[macro_use]
mod common;

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use common::command;
use rustix::process::{Pid, Signal, kill_process};

/// From include/uapi/asm-generic/fcntl.h.
const F_SETSIG: libc::c_int = 10;

/// Takes a lease on a file: open(2) for execve blocks until the lease is removed, by default at most 45 seconds.
fn lease(file: &File) {
    // SIGURG, which is ignored by default, reports that another process opens the file.
    for (command, argument) in [(F_SETSIG, libc::SIGURG), (libc::F_SETLEASE, libc::F_WRLCK)] {
        // SAFETY: both commands take a number.
        let result = unsafe { libc::fcntl(file.as_raw_fd(), command, argument) };
        assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    }
}

#[test]
fn e09_a_start_that_takes_long_can_be_interrupted() {
    run_space_as!([Root, User], {
        let path = std::env::temp_dir().join(format!("space-leased-{}", std::process::id()));
        fs::copy("/bin/true", &path).expect("copy");
        let file = File::open(&path).expect("open");
        lease(&file);
        for signal in [Signal::TERM, Signal::INT] {
            let words = ["execute", path.to_str().expect("UTF-8")];
            let mut child = command(&words).spawn().expect("spawn");
            std::thread::sleep(Duration::from_millis(100));
            assert_eq!(child.try_wait().expect("wait"), None);
            let begin = Instant::now();
            kill_process(Pid::from_child(&child), signal).expect("kill");
            let status = child.wait().expect("wait");
            assert_eq!(status.signal(), Some(signal.as_raw()), "{status}");
            assert!(begin.elapsed() >= Duration::from_millis(400), "the start had no time to end");
        }
        fs::remove_file(&path).expect("remove");
    });
}
