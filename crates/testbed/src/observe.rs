//! Processes seen at one of their system calls, where they wait meanwhile.
#![allow(unsafe_code, reason = "what a seccomp listener is asked and answers")]

use std::mem;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::mpsc::channel;

use rustix::io::Errno;

use crate::ask_about;

/// `SECCOMP_USER_NOTIF_FLAG_CONTINUE` of include/uapi/linux/seccomp.h: the call is made.
const CONTINUE: u32 = 1;

/// Runs `body`. This thread, and whatever it makes, waits at each of the system calls `numbers`, until `look`
/// has returned on another thread. It is given the process or thread that calls, and the number. The calling
/// process is of no use for anything else afterwards.
///
/// # Panics
/// Where the filter cannot be set.
pub fn observed<T>(
    numbers: &[i64],
    look: impl FnMut(u32, i64) + Send + 'static,
    body: impl FnOnce() -> T,
) -> T {
    let (sender, receiver) = channel::<OwnedFd>();
    std::thread::spawn(move || {
        let mut look = look;
        let Ok(listener) = receiver.recv() else { return };
        while answer_one(&listener, &mut look).is_some() {}
    });
    sender.send(ask_about(numbers)).expect("the thread is there");
    body()
}

/// Waits for a call, looks, and lets it go on; `None` when nobody can call any more.
fn answer_one(listener: &OwnedFd, look: &mut impl FnMut(u32, i64)) -> Option<()> {
    // SAFETY: all zeros is what the kernel asks for.
    let mut call: libc::seccomp_notif = unsafe { mem::zeroed() };
    let (listener, receive) = (listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV);
    // SAFETY: the kernel fills a struct of its own.
    if unsafe { libc::ioctl(listener, receive, &raw mut call) } == -1 {
        let errno = Errno::from_io_error(&std::io::Error::last_os_error());
        // The caller was killed, or a handler ran.
        return matches!(errno, Some(Errno::INTR | Errno::NOENT)).then_some(());
    }
    look(call.pid, call.data.nr.into());
    let mut answer = libc::seccomp_notif_resp { id: call.id, val: 0, error: 0, flags: CONTINUE };
    // SAFETY: the kernel reads a struct of its own. It fails where the caller was killed meanwhile.
    unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer) };
    Some(())
}
