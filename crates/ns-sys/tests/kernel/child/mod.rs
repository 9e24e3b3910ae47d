//! The calls of `ns_sys::child`.
#![allow(unsafe_code, reason = "descriptors that the calls under test return")]

mod descriptors;
mod exec;
mod file_system;
mod ids;
mod mounts;
mod names;
mod open;
mod record_lock;
mod security;
mod session;
mod signals;
mod sockets;
mod terminals;

use std::fs;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Owns a descriptor that a call under test has just opened.
fn owned(fd: RawFd) -> OwnedFd {
    // SAFETY: the call under test has just opened it, and it has no other owner.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// The value of a field in the status file of the calling thread.
fn status(key: &str) -> String {
    let text = fs::read_to_string("/proc/thread-self/status").expect("read status");
    let line = text.lines().find(|line| line.starts_with(key)).expect("find the field");
    line[key.len()..].split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The value of a hexadecimal field in the status file of the calling thread.
fn status_mask(key: &str) -> u64 {
    u64::from_str_radix(&status(key), 16).expect("parse a hexadecimal mask")
}
