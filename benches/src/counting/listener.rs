//! The listener of seccomp_unotify(2).
#![allow(unsafe_code, reason = "a filter, and ioctls with pointers")]

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

use ns_sys::child::{self, BpfInstruction};
use std::os::fd::AsFd;

/// Of include/uapi/linux/seccomp.h.
const NEW_LISTENER: u32 = 1 << 3;
const RET_USER_NOTIF: u32 = 0x7fc0_0000;
const NOTIF_RECV: u32 = 0xc050_2100;
const NOTIF_SEND: u32 = 0xc018_2101;
const CONTINUE: u32 = 1;
/// `BPF_RET | BPF_K` of include/uapi/linux/bpf_common.h.
const RETURN: u16 = 0x06;

/// `struct seccomp_notif`: a call that waits for an answer.
#[repr(C)]
#[derive(Debug, Default)]
pub(super) struct Asked {
    id: u64,
    pid: u32,
    flags: u32,
    number: i32,
    arch: u32,
    instruction: u64,
    arguments: [u64; 6],
}

impl Asked {
    /// Of the system call.
    pub(super) fn number(&self) -> i32 {
        self.number
    }
}

/// `struct seccomp_notif_resp`.
#[repr(C)]
#[derive(Debug)]
struct Answer {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

/// Who is asked about each call.
#[derive(Debug)]
pub(super) struct Listener(OwnedFd);

impl Listener {
    /// Takes over the number that [`ask_about_every_call`] stored.
    pub(super) fn new(number: i32) -> Self {
        // SAFETY: the kernel has made it for that thread, which only told its number.
        Self(unsafe { OwnedFd::from_raw_fd(number) })
    }

    /// Waits for a call.
    pub(super) fn receive(&self) -> io::Result<Asked> {
        loop {
            let mut asked = Asked::default();
            match ioctl(self.0.as_fd(), NOTIF_RECV, (&raw mut asked).expose_provenance()) {
                Ok(()) => return Ok(asked),
                // Who asked was killed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Lets the kernel make the call.
    pub(super) fn go_on(&self, asked: &Asked) -> io::Result<()> {
        let answer = Answer { id: asked.id, value: 0, error: 0, flags: CONTINUE };
        match ioctl(self.0.as_fd(), NOTIF_SEND, (&raw const answer).expose_provenance()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            sent => sent,
        }
    }
}

fn ioctl(listener: BorrowedFd<'_>, operation: u32, argument: usize) -> io::Result<()> {
    // SAFETY: the argument is the address of the structure that the operation takes.
    unsafe { child::ioctl(listener, operation, argument) }.map(drop).map_err(Into::into)
}

/// From here on each call of this thread, and of every process that it makes, waits until the
/// listener, whose number is stored at once, lets it go on.
pub(super) fn ask_about_every_call(listener: &AtomicI32) -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    let filter = [BpfInstruction { code: RETURN, jt: 0, jf: 0, k: RET_USER_NOTIF }];
    // SAFETY: the answer to each call is the kernel's own.
    let number = unsafe { child::seccomp_set_filter(NEW_LISTENER, &filter) }?;
    listener.store(i32::try_from(number).map_err(io::Error::other)?, Ordering::Release);
    Ok(())
}
