//! The signals that `space` is sent, read one by one.
#![allow(unsafe_code, reason = "signal(2), signalfd(2) and the mask, which rustix lacks")]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use ns_process::Signal;

/// Passed on to the program, or told of it; a broken pipe is only to be survived.
const WATCHED: [Signal; 11] = [
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

/// `sizeof(struct signalfd_siginfo)`, with the places of two of its fields.
const SIZE: usize = size_of::<libc::signalfd_siginfo>();
const SIGNO: usize = std::mem::offset_of!(libc::signalfd_siginfo, ssi_signo);
const CODE: usize = std::mem::offset_of!(libc::signalfd_siginfo, ssi_code);

/// `SI_KERNEL` of include/uapi/asm-generic/siginfo.h: nobody called kill(2).
const SI_KERNEL: i32 = 0x80;

/// Blocked signals, and the descriptor that gives them out.
#[derive(Debug)]
pub(super) struct Signals(OwnedFd);

/// One that came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    pub(super) signal: Signal,
    /// Whether the kernel itself sent it: for a key, or the end of a terminal.
    pub(super) by_kernel: bool,
}

impl Signals {
    /// From here on they wait. A started program has none blocked.
    pub(super) fn block() -> io::Result<Self> {
        let set = set_of(&WATCHED);
        change_mask(libc::SIG_BLOCK, &set)?;
        // SAFETY: reads the set; the descriptor is new.
        let fd =
            unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it is open, and nobody else's.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// The next that waits.
    pub(super) fn next(&self) -> Option<Arrived> {
        let mut bytes = [0; SIZE];
        let read = rustix::io::retry_on_intr(|| rustix::io::read(&self.0, &mut bytes));
        let word = |at: usize| Some(i32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        read.ok().filter(|count| *count == SIZE)?;
        let signal = Signal::from_named_raw(word(SIGNO)?)?;
        Some(Arrived { signal, by_kernel: word(CODE)? == SI_KERNEL })
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Puts back what Rust's runtime changed before `main`: a broken pipe ends `space` as it ends other
/// commands, and is not ignored by what it starts.
pub(crate) fn broken_pipes_end_us() {
    // SAFETY: sets no handler.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// What ends `space` by default.
const ENDING: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM];

/// A signal that waits for this process, and would end it.
pub(super) fn pending_end() -> Option<Signal> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: writes the whole set.
    if unsafe { libc::sigpending(set.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: written just now.
    let set = unsafe { set.assume_init() };
    let waits = |signal: &Signal| {
        // SAFETY: reads the set.
        let is_member = unsafe { libc::sigismember(&raw const set, signal.as_raw()) };
        is_member == 1 && !is_ignored(*signal)
    };
    ENDING.into_iter().find(waits)
}

/// Whether the caller wants it ignored, as nohup(1) does.
fn is_ignored(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: changes nothing, and writes the whole struct.
    if unsafe { libc::sigaction(signal.as_raw(), ptr::null(), action.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: written just now.
    unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

/// Lets a signal come that waits, and that nothing handles or ignores: `space` ends by it.
pub(super) fn end_by(signal: Signal) {
    let _ = change_mask(libc::SIG_UNBLOCK, &set_of(&[signal]));
}

/// Does `body` with `signal` blocked.
pub(super) fn without(signal: Signal, body: impl FnOnce()) {
    let set = set_of(&[signal]);
    let blocked = change_mask(libc::SIG_BLOCK, &set);
    body();
    if blocked.is_ok() {
        let _ = change_mask(libc::SIG_UNBLOCK, &set);
    }
}

fn set_of(signals: &[Signal]) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: writes the whole set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: written just now.
    let mut set = unsafe { set.assume_init() };
    for signal in signals {
        // SAFETY: changes the set alone.
        unsafe { libc::sigaddset(&raw mut set, signal.as_raw()) };
    }
    set
}

fn change_mask(how: libc::c_int, set: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: reads the set, and writes nothing.
    match unsafe { libc::pthread_sigmask(how, set, ptr::null_mut()) } {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}
