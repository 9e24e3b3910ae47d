//! System calls that wait for a supervisor; see seccomp_unotify(2). Nothing here allocates.
#![allow(unsafe_code, reason = "ioctls of a seccomp listener")]

use std::mem;
use std::os::fd::RawFd;

use rustix::io::Errno;

/// The result of [`receive`].
pub(crate) enum Received {
    /// A process waits in a system call.
    Call(libc::seccomp_notif),
    /// The wait was interrupted, or the caller was killed.
    Nothing,
    /// No process has the filter any more.
    End,
}

/// Waits for a system call.
pub(crate) fn receive(listener: RawFd) -> Received {
    // SAFETY: the kernel requires zeros.
    let mut call: libc::seccomp_notif = unsafe { mem::zeroed() };
    // SAFETY: the kernel fills the struct.
    let received = unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call) };
    if received == -1 {
        let errno = Errno::from_io_error(&std::io::Error::last_os_error());
        let is_end = !matches!(errno, Some(Errno::INTR | Errno::NOENT));
        return if is_end { Received::End } else { Received::Nothing };
    }
    Received::Call(call)
}

/// Lets the call fail with `errno`, or continue.
pub(crate) fn reply(listener: RawFd, call: &libc::seccomp_notif, errno: Option<Errno>) {
    /// `SECCOMP_USER_NOTIF_FLAG_CONTINUE` of include/uapi/linux/seccomp.h.
    const CONTINUE: u32 = 1;
    let (error, flags) = errno.map_or((0, CONTINUE), |errno| (-errno.raw_os_error(), 0));
    let mut reply = libc::seccomp_notif_resp { id: call.id, val: 0, error, flags };
    // SAFETY: the kernel reads the struct. The ioctl fails if the caller was killed meanwhile.
    unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut reply) };
}
