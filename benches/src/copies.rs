//! Work that changes the process that does it, done in a copy.
#![allow(unsafe_code, reason = "fork")]

use std::io::Read;
use std::time::Duration;

use rustix::pipe::pipe;
use rustix::process::{Pid, WaitOptions, waitpid};

use crate::pairs::time;

/// How long `work` takes in a fork of this process.
///
/// # Panics
/// When it fails there, or this program has other threads.
pub fn time_in_copy(mut work: impl FnMut()) -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").expect("proc").count();
    assert_eq!(threads, 1, "a lock of another thread would stay held");
    let (read, write) = pipe().expect("pipe");
    // SAFETY: there is no other thread.
    let copy = unsafe { libc::fork() };
    if copy == 0 {
        let told = u64::try_from(time(&mut work).as_nanos()).unwrap_or(u64::MAX);
        let written = rustix::io::write(&write, &told.to_ne_bytes());
        // SAFETY: it ends the copy.
        unsafe { libc::_exit(i32::from(written != Ok(8))) };
    }
    drop(write);
    let mut told = [0; 8];
    let read = std::fs::File::from(read).read_exact(&mut told);
    let copy = Pid::from_raw(copy).expect("fork");
    waitpid(Some(copy), WaitOptions::empty()).expect("wait");
    read.expect("the copy's work was done");
    Duration::from_nanos(u64::from_ne_bytes(told))
}
