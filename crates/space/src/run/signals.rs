//! The signals that `space` receives, read from a signalfd(2).
#![allow(unsafe_code, reason = "signal(2), signalfd(2) and the signal mask, which rustix lacks")]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use ns_process::Signal;

/// Signals that are forwarded to the program or concern its state. SIGPIPE is blocked only so that it does not kill
/// `space`.
const BLOCKED: [Signal; 11] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
    Signal::WINCH,
    Signal::TSTP,
    Signal::CONT,
    Signal::CHILD,
    Signal::PIPE,
];

/// `sizeof(struct signalfd_siginfo)`, and the offsets of two of its fields.
const SIZE: usize = size_of::<libc::signalfd_siginfo>();
const SIGNO: usize = std::mem::offset_of!(libc::signalfd_siginfo, ssi_signo);
const CODE: usize = std::mem::offset_of!(libc::signalfd_siginfo, ssi_code);

/// `SI_KERNEL` of include/uapi/asm-generic/siginfo.h: the kernel sent the signal.
const SI_KERNEL: i32 = 0x80;

/// The signalfd that delivers the blocked signals.
#[derive(Debug)]
pub(super) struct Signals(OwnedFd);

/// A received signal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received {
    pub(super) signal: Signal,
    /// Whether the kernel sent the signal: for a key, or because the terminal was closed.
    pub(super) from_kernel: bool,
}

impl Signals {
    /// Blocks the signals from now on. A started program does not inherit this mask.
    pub(super) fn block() -> io::Result<Self> {
        let set = set_of(&BLOCKED);
        change_mask(libc::SIG_BLOCK, &set)?;
        // SAFETY: `set` is initialised, and the call only reads it.
        let fd =
            unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: signalfd has just returned this descriptor, and nothing else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Takes the next pending signal, without waiting.
    pub(super) fn next(&self) -> Option<Received> {
        let mut bytes = [0; SIZE];
        let read = rustix::io::retry_on_intr(|| rustix::io::read(&self.0, &mut bytes));
        let word = |at: usize| Some(i32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        read.ok().filter(|count| *count == SIZE)?;
        let signal = Signal::from_raw(word(SIGNO)?)?;
        Some(Received { signal, from_kernel: word(CODE)? == SI_KERNEL })
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Resets SIGPIPE to its default action, because Rust's runtime ignores it before `main`.
///
/// A broken pipe then terminates `space` as it terminates other commands, and the program does not inherit an ignored
/// SIGPIPE.
pub(crate) fn reset_sigpipe() {
    // SAFETY: SIG_DFL installs no handler.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// Signals that terminate `space` by default.
const TERMINATING: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM];

/// Returns a pending signal that would terminate this process if it were not blocked.
pub(super) fn pending_termination() -> Option<Signal> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the pointer is valid for a write of a whole set.
    if unsafe { libc::sigpending(set.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: sigpending has succeeded, so it has written the set.
    let set = unsafe { set.assume_init() };
    let is_pending = |signal: &Signal| {
        // SAFETY: the set is initialised, and the call only reads it.
        let is_member = unsafe { libc::sigismember(&raw const set, signal.as_raw()) };
        is_member == 1 && !is_ignored(*signal)
    };
    TERMINATING.into_iter().find(is_pending)
}

/// Whether this process ignores the signal, as under nohup(1).
fn is_ignored(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: a null `act` changes nothing; the other pointer is valid for a write of the whole struct.
    if unsafe { libc::sigaction(signal.as_raw(), ptr::null(), action.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: sigaction has succeeded, so it has written the struct.
    unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

/// Unblocks a pending signal with the default action, which terminates `space`.
pub(super) fn terminate_by(signal: Signal) {
    let _ = change_mask(libc::SIG_UNBLOCK, &set_of(&[signal]));
}

/// Runs `body` with `signal` blocked.
pub(super) fn with_blocked(signal: Signal, body: impl FnOnce()) {
    let set = set_of(&[signal]);
    let blocked = change_mask(libc::SIG_BLOCK, &set);
    body();
    if blocked.is_ok() {
        let _ = change_mask(libc::SIG_UNBLOCK, &set);
    }
}

fn set_of(signals: &[Signal]) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the pointer is valid for a write of a whole set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: sigemptyset has written the set.
    let mut set = unsafe { set.assume_init() };
    for signal in signals {
        // SAFETY: the set is initialised, and the call changes nothing else.
        unsafe { libc::sigaddset(&raw mut set, signal.as_raw()) };
    }
    set
}

fn change_mask(how: libc::c_int, set: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: `set` is initialised; a null pointer requests no old mask.
    match unsafe { libc::pthread_sigmask(how, set, ptr::null_mut()) } {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}
