//! Timing of work that changes its process, in a forked process.
#![allow(unsafe_code, reason = "fork")]

use std::io::Read;
use std::time::Duration;

use ns_sys::UnshareFlags;
use rustix::pipe::pipe;
use rustix::process::{Pid, WaitOptions, waitpid};

use crate::pairs::time;

/// Measures the duration of `work` in a forked process.
///
/// # Panics
/// If `work` fails, or this process has other threads.
pub fn time_in_fork(mut work: impl FnMut()) -> Duration {
    in_fork(|| time(&mut work))
}

/// Like [`time_in_fork`], as root and process 1 of new user, mount and pid namespaces.
///
/// # Panics
/// As [`time_in_fork`], or if the namespaces cannot be created.
pub fn time_in_namespaces(mut work: impl FnMut()) -> Duration {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    let maps = [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("0 {} 1", uid.as_raw())),
        ("gid_map", format!("0 {} 1", gid.as_raw())),
    ];
    in_fork(|| {
        let kinds = UnshareFlags::NEWUSER | UnshareFlags::NEWNS | UnshareFlags::NEWPID;
        ns_sys::unshare(kinds).expect("unshare");
        for (file, text) in &maps {
            std::fs::write(format!("/proc/self/{file}"), text).expect("write a map");
        }
        in_fork(|| time(&mut work))
    })
}

/// Returns the duration that `measure` returns in a forked process.
fn in_fork(measure: impl FnOnce() -> Duration) -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").expect("read /proc").count();
    assert_eq!(threads, 1, "another thread may hold a lock during the fork");
    let (read, write) = pipe().expect("pipe");
    // SAFETY: this process has no other thread.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let nanoseconds = u64::try_from(measure().as_nanos()).unwrap_or(u64::MAX);
        let written = rustix::io::write(&write, &nanoseconds.to_ne_bytes());
        // SAFETY: _exit runs no handler and no destructor.
        unsafe { libc::_exit(i32::from(written != Ok(8))) };
    }
    drop(write);
    let mut nanoseconds = [0; 8];
    let read = std::fs::File::from(read).read_exact(&mut nanoseconds);
    let child = Pid::from_raw(child).expect("fork");
    waitpid(Some(child), WaitOptions::empty()).expect("wait");
    read.expect("the result of the child");
    Duration::from_nanos(u64::from_ne_bytes(nanoseconds))
}
