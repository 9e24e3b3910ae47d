//! The signals that `space` receives, read from a signalfd(2).
#![allow(
    unsafe_code,
    reason = "signal(2), signalfd(2), sigaction(2) and rt_sigpending(2), which rustix lacks"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use ns_process::{Errno, Signal};
use ns_sys::child::{SignalSet, rt_sigprocmask};
use rustix::process::getpid;

use super::default_action::DefaultAction;
use super::queued::Queued;

/// `sizeof(struct signalfd_siginfo)`, and the offsets of its fields.
const SIZE: usize = size_of::<libc::signalfd_siginfo>();
const SIGNO: usize = std::mem::offset_of!(libc::signalfd_siginfo, ssi_signo);
const CODE: usize = std::mem::offset_of!(libc::signalfd_siginfo, ssi_code);
const PID: usize = std::mem::offset_of!(libc::signalfd_siginfo, ssi_pid);
const UID: usize = std::mem::offset_of!(libc::signalfd_siginfo, ssi_uid);
const VALUE: usize = std::mem::offset_of!(libc::signalfd_siginfo, ssi_ptr);

/// The signalfd that delivers all signals.
#[derive(Debug)]
pub(super) struct Signals {
    file: OwnedFd,
    old_mask: SignalSet,
}

/// A received signal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received {
    pub(super) signal: Signal,
    code: i32,
    sender: Queued,
}

impl Signals {
    /// Blocks all signals from now on. A started program does not inherit this mask.
    ///
    /// A fault of `space`, such as an invalid memory access, terminates it nevertheless: the kernel then unblocks the
    /// signal. The same signal from another process is forwarded.
    pub(super) fn block() -> io::Result<Self> {
        let old_mask = rt_sigprocmask(SignalSet::ALL)?;
        let (call, new) = (libc::SYS_signalfd4, -1);
        let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
        // The kernel's `sigset_t`, unlike that of libc, includes the signals that libc reserves.
        let all = u64::MAX;
        // SAFETY: the set has the given size and outlives the call, which only reads it.
        let fd = unsafe { libc::syscall(call, new, &raw const all, size_of_val(&all), flags) };
        let fd = RawFd::try_from(fd).ok().filter(|fd| *fd >= 0);
        let fd = fd.ok_or_else(io::Error::last_os_error)?;
        // SAFETY: signalfd4 has just returned this descriptor, and nothing else owns it.
        Ok(Self { file: unsafe { OwnedFd::from_raw_fd(fd) }, old_mask })
    }

    /// Takes the next pending signal, without waiting.
    pub(super) fn next(&self) -> Option<Received> {
        let mut bytes = [0; SIZE];
        let read = rustix::io::retry_on_intr(|| rustix::io::read(&self.file, &mut bytes));
        let word = |at: usize| Some(i32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        read.ok().filter(|count| *count == SIZE)?;
        let (uid, value) = (bytes.get(UID..UID + 4)?, bytes.get(VALUE..VALUE + 8)?);
        let sender = Queued {
            pid: word(PID)?,
            uid: u32::from_ne_bytes(uid.try_into().ok()?),
            value: u64::from_ne_bytes(value.try_into().ok()?),
        };
        Some(Received { signal: Signal::from_raw(word(SIGNO)?)?, code: word(CODE)?, sender })
    }

    /// Lets signals terminate `space` again, after the program has exited. Those that have already arrived are dropped.
    ///
    /// SIGPIPE, SIGXFSZ and SIGTTOU stay blocked: a broken pipe or a limit is an error of a write, and output in the
    /// background does not stop `space`.
    pub(super) fn unblock(&self) {
        while self.next().is_some() {}
        let _ = rt_sigprocmask(with_writes(self.old_mask).with(Signal::TTOU));
    }
}

impl Received {
    /// Whether the kernel sent the signal because of the terminal, to a whole process group: for a key, a new size, a
    /// use in the background, or because it was closed.
    pub(super) fn is_from_terminal(&self) -> bool {
        let is_keyboard = matches!(self.signal, Signal::INT | Signal::QUIT | Signal::TSTP);
        let is_terminal =
            matches!(self.signal, Signal::HUP | Signal::WINCH | Signal::TTIN | Signal::TTOU);
        self.code == libc::SI_KERNEL && (is_keyboard || is_terminal)
    }

    /// Whether a process sent the signal, and not the kernel because of the state of a child.
    pub(super) fn is_from_process(&self) -> bool {
        self.code <= 0
    }

    /// Whether a write of `space` caused the signal: to a broken pipe, or beyond the limit of a file.
    pub(super) fn is_own_write(&self) -> bool {
        let is_own = self.code == libc::SI_USER && self.sender.pid == getpid().as_raw_pid();
        is_own && matches!(self.signal, Signal::PIPE | Signal::XFSZ)
    }

    /// The value, if the signal was sent by sigqueue(3).
    pub(super) fn queued(&self) -> Option<Queued> {
        (self.code == libc::SI_QUEUE).then_some(self.sender)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
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

/// If `space` is process 1 of a pid namespace, lets signals terminate it before the program is started. The kernel
/// drops a signal that process 1 does not handle.
pub(crate) fn handle_as_process_1() {
    if !getpid().is_init() {
        return;
    }
    for signal in (1..=64).filter_map(Signal::from_raw) {
        let terminates = DefaultAction::of(signal) == DefaultAction::Terminate;
        // Rust's runtime has a handler for faults.
        if terminates && action_of(signal) == Some(libc::SIG_DFL) {
            let handler = exit_by as *const () as libc::sighandler_t;
            // SAFETY: the handler only calls _exit(2). The call fails for SIGKILL.
            unsafe { libc::signal(signal.as_raw(), handler) };
        }
    }
}

extern "C" fn exit_by(signal: libc::c_int) {
    // SAFETY: _exit may be called in a signal handler.
    unsafe { libc::_exit(128 + signal) };
}

/// Blocks the signals of writes, so that a write to a broken pipe, or beyond the limit of a file, is an error.
pub(super) fn block_writes() {
    if let Ok(mask) = rt_sigprocmask(SignalSet::ALL) {
        let _ = rt_sigprocmask(with_writes(mask));
    }
}

fn with_writes(mask: SignalSet) -> SignalSet {
    mask.with(Signal::PIPE).with(Signal::XFSZ)
}

/// Returns a pending signal that would terminate this process if it were not blocked.
///
/// May be called in a signal handler.
pub(super) fn pending_termination() -> Option<Signal> {
    let mut pending = 0_u64;
    let (call, size) = (libc::SYS_rt_sigpending, size_of_val(&pending));
    // SAFETY: the set has the given size and is valid for a write.
    if unsafe { libc::syscall(call, &raw mut pending, size) } != 0 {
        return None;
    }
    let terminates = |signal: &Signal| {
        let is_pending = pending & 1 << (signal.as_raw() - 1) != 0;
        let terminates = DefaultAction::of(*signal) == DefaultAction::Terminate;
        is_pending && terminates && !is_ignored(*signal)
    };
    (1..=64).filter_map(Signal::from_raw).find(terminates)
}

/// Whether this process ignores the signal, as under nohup(1).
pub(super) fn is_ignored(signal: Signal) -> bool {
    action_of(signal) == Some(libc::SIG_IGN)
}

fn action_of(signal: Signal) -> Option<libc::sighandler_t> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: a null `act` changes nothing; the other pointer is valid for a write of the whole struct.
    if unsafe { libc::sigaction(signal.as_raw(), ptr::null(), action.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: sigaction has succeeded, so it has written the struct.
    Some(unsafe { action.assume_init() }.sa_sigaction)
}

/// Unblocks a pending signal with the default action, which terminates `space`.
///
/// May be called in a signal handler.
pub(super) fn terminate_by(signal: Signal) {
    let _ = unblock(signal);
    // The kernel has dropped the signal, because `space` is process 1.
    exit_by(signal.as_raw());
}

/// Unblocks one signal, and returns the previous mask.
pub(super) fn unblock(signal: Signal) -> Result<SignalSet, Errno> {
    let old = rt_sigprocmask(SignalSet::ALL)?;
    rt_sigprocmask(old.iter().filter(|blocked| *blocked != signal).collect())?;
    Ok(old)
}
