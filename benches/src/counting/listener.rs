//! A listener for seccomp_unotify(2).
#![allow(unsafe_code, reason = "a seccomp filter, and ioctls with pointers")]

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

use ns_sys::child::{self, BpfInstruction};
use std::os::fd::AsFd;

/// From include/uapi/linux/seccomp.h.
const NEW_LISTENER: u32 = 1 << 3;
const RET_USER_NOTIF: u32 = 0x7fc0_0000;
const NOTIF_RECV: u32 = 0xc050_2100;
const NOTIF_SEND: u32 = 0xc018_2101;
const CONTINUE: u32 = 1;
/// `BPF_RET | BPF_K` from include/uapi/linux/bpf_common.h.
const RETURN: u16 = 0x06;

/// `struct seccomp_notif`: a system call that waits for a response.
#[repr(C)]
#[derive(Debug, Default)]
pub(super) struct Notification {
    id: u64,
    pid: u32,
    flags: u32,
    number: i32,
    arch: u32,
    instruction: u64,
    arguments: [u64; 6],
}

impl Notification {
    /// Returns the number of the system call.
    pub(super) fn number(&self) -> i32 {
        self.number
    }
}

/// `struct seccomp_notif_resp`.
#[repr(C)]
#[derive(Debug)]
struct Response {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

/// The descriptor on which system calls are received.
#[derive(Debug)]
pub(super) struct Listener(OwnedFd);

impl Listener {
    /// Takes ownership of the descriptor that [`notify_every_call`] has stored.
    pub(super) fn new(number: i32) -> Self {
        // SAFETY: the kernel has created this descriptor, and the other thread has only stored its number.
        Self(unsafe { OwnedFd::from_raw_fd(number) })
    }

    /// Waits for a system call.
    pub(super) fn receive(&self) -> io::Result<Notification> {
        loop {
            let mut notification = Notification::default();
            match ioctl(self.0.as_fd(), NOTIF_RECV, (&raw mut notification).expose_provenance()) {
                Ok(()) => return Ok(notification),
                // The calling process was killed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Lets the kernel execute the system call.
    pub(super) fn continue_call(&self, notification: &Notification) -> io::Result<()> {
        let response = Response { id: notification.id, value: 0, error: 0, flags: CONTINUE };
        match ioctl(self.0.as_fd(), NOTIF_SEND, (&raw const response).expose_provenance()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            sent => sent,
        }
    }
}

fn ioctl(listener: BorrowedFd<'_>, operation: u32, argument: usize) -> io::Result<()> {
    // SAFETY: the argument is the address of the structure that the operation expects.
    unsafe { child::ioctl(listener, operation, argument) }.map(drop).map_err(Into::into)
}

/// Installs a filter that stops each system call of this thread and of its descendants until the listener continues it.
/// Stores the descriptor of the listener at once, because the next system call would wait.
pub(super) fn notify_every_call(listener: &AtomicI32) -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    let filter = [BpfInstruction { code: RETURN, jt: 0, jf: 0, k: RET_USER_NOTIF }];
    // SAFETY: every system call is executed unchanged by the kernel.
    let number = unsafe { child::seccomp_set_filter(NEW_LISTENER, &filter) }?;
    listener.store(i32::try_from(number).map_err(io::Error::other)?, Ordering::Release);
    Ok(())
}
