//! A system call that fails once, on one side of a start.
#![allow(unsafe_code, reason = "what a seccomp listener is asked and answers")]

use std::mem;
use std::os::fd::IntoRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::time::Duration;

use rustix::io::Errno;

use crate::ask_about;

/// `SECCOMP_USER_NOTIF_FLAG_CONTINUE` of include/uapi/linux/seccomp.h: the call is made.
const CONTINUE: u32 = 1;

/// The one call of its kind that fails.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Of the system call.
    pub number: i64,
    /// On which side of the start.
    pub side: FaultSide,
    /// Which call of that number and side, counted from 1.
    pub nth: u32,
    /// What it fails with.
    pub errno: Errno,
}

/// Who makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultSide {
    /// The thread that starts.
    Starter,
    /// Whatever it makes, until that executes a program.
    Started,
}

/// What the thread that decides knows. It is not under the filter, and allocates nothing, because whom it
/// answers may hold a lock of the allocator.
struct Judge {
    fault: Fault,
    /// The thread that starts, as it is told by a notification.
    parent: u32,
    is_there: AtomicBool,
    /// -1 until there is one.
    listener: AtomicI32,
    is_active: AtomicBool,
    calls: AtomicU32,
    has_executed: AtomicBool,
}

/// Runs `body`, which starts one process and then calls what it is given, with `fault` until then; tells
/// whether it came to that. The calling process is of no use for anything else afterwards.
///
/// # Panics
/// Where the filter cannot be set.
pub fn with_fault<T>(fault: Fault, body: impl FnOnce(&dyn Fn()) -> T) -> (T, bool) {
    let judge = Arc::new(Judge {
        fault,
        parent: rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs(),
        is_there: AtomicBool::new(false),
        listener: AtomicI32::new(-1),
        is_active: AtomicBool::new(false),
        calls: AtomicU32::new(0),
        has_executed: AtomicBool::new(false),
    });
    let judging = Arc::clone(&judge);
    std::thread::spawn(move || {
        judging.is_there.store(true, Ordering::SeqCst);
        while judging.answer_one().is_some() {}
    });
    // What a thread does at its beginning it does not do later, under some lock of the one it answers.
    while !judge.is_there.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_micros(100));
    }
    let listener = ask_about(&[fault.number, libc::SYS_execve]);
    // No channel: its wake could be the very call that waits for an answer.
    judge.listener.store(listener.into_raw_fd(), Ordering::SeqCst);
    judge.is_active.store(true, Ordering::SeqCst);
    let outcome = body(&|| judge.is_active.store(false, Ordering::SeqCst));
    (outcome, judge.calls.load(Ordering::SeqCst) >= fault.nth)
}

impl Judge {
    /// Waits for a call and answers; `None` when nobody can ask any more.
    fn answer_one(&self) -> Option<()> {
        let listener = self.listener.load(Ordering::SeqCst);
        if listener == -1 {
            std::thread::sleep(Duration::from_micros(100));
            return Some(());
        }
        // SAFETY: all zeros is what the kernel asks for.
        let mut asked: libc::seccomp_notif = unsafe { mem::zeroed() };
        let receive = libc::SECCOMP_IOCTL_NOTIF_RECV;
        // SAFETY: the kernel fills a struct of its own.
        let got = unsafe { libc::ioctl(listener, receive, &raw mut asked) };
        if got == -1 {
            // Interrupted, or whoever asked has died.
            let error = std::io::Error::last_os_error().raw_os_error();
            return matches!(error, Some(libc::EINTR | libc::ENOENT)).then_some(());
        }
        let errno = self.judge(&asked).map_or(0, |errno| -errno.raw_os_error());
        let flags = if errno == 0 { CONTINUE } else { 0 };
        let mut answer = libc::seccomp_notif_resp { id: asked.id, val: 0, error: errno, flags };
        let send = libc::SECCOMP_IOCTL_NOTIF_SEND;
        // SAFETY: the kernel reads a struct of its own. It fails where who asked has died.
        unsafe { libc::ioctl(listener, send, &raw mut answer) };
        Some(())
    }

    fn judge(&self, asked: &libc::seccomp_notif) -> Option<Errno> {
        let number = i64::from(asked.data.nr);
        let side = if asked.pid == self.parent { FaultSide::Starter } else { FaultSide::Started };
        let counts = number == self.fault.number && side == self.fault.side;
        let is_start = self.is_active.load(Ordering::SeqCst)
            && (side == FaultSide::Starter || !self.has_executed.load(Ordering::SeqCst));
        if number == libc::SYS_execve && number != self.fault.number {
            self.has_executed.store(true, Ordering::SeqCst);
        }
        let due = counts && is_start && {
            self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.fault.nth
        };
        due.then_some(self.fault.errno)
    }
}
