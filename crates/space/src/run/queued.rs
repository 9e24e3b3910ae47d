//! The value that sigqueue(3) sends with a signal.
#![allow(unsafe_code, reason = "pidfd_send_signal(2) with a siginfo_t")]

use std::os::fd::{AsFd, AsRawFd};
use std::ptr;

use ns_process::Signal;

/// The sender and the value of a signal that was sent by sigqueue(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Queued {
    pub(super) pid: i32,
    pub(super) uid: u32,
    pub(super) value: u64,
}

/// The size of the kernel's `siginfo_t`, and where the fields after its three numbers begin.
const SIZE: usize = 128;
const FIELDS: usize = size_of::<[i32; 3]>().next_multiple_of(align_of::<usize>());

/// A buffer with the alignment of the kernel's `siginfo_t`.
#[repr(C, align(8))]
struct Info([u8; SIZE]);

/// Sends a signal with its value. Returns false if the kernel refuses it.
pub(super) fn send(pidfd: impl AsFd, signal: Signal, queued: Queued) -> bool {
    let info = info(signal, queued);
    let (fd, number) = (pidfd.as_fd().as_raw_fd(), signal.as_raw());
    let (call, flags) = (libc::SYS_pidfd_send_signal, 0);
    // SAFETY: `info` has the size of the kernel's struct and outlives the call, which only reads it.
    unsafe { libc::syscall(call, fd, number, ptr::from_ref(&info), flags) == 0 }
}

fn info(signal: Signal, Queued { pid, uid, value }: Queued) -> Info {
    let mut bytes = [0; SIZE];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    put(0, &signal.as_raw().to_ne_bytes());
    put(8, &libc::SI_QUEUE.to_ne_bytes());
    put(FIELDS, &pid.to_ne_bytes());
    put(FIELDS + 4, &uid.to_ne_bytes());
    put(FIELDS + 8, &value.to_ne_bytes());
    Info(bytes)
}
