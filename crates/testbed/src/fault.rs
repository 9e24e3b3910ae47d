//! A system call that fails once, on one side of a start.

use std::os::fd::{IntoRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::time::Duration;

use rustix::io::Errno;

use crate::notification::{Received, receive, reply};
use crate::seccomp::ask_about;

/// The one call that fails.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The number of the system call.
    pub number: i64,
    /// The side of the start that makes the call.
    pub side: FaultSide,
    /// Which call of that number and side fails, counted from 1.
    pub nth: u32,
    /// The error of the call.
    pub errno: Errno,
}

/// The process that makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultSide {
    /// The starting thread.
    Starter,
    /// Its descendants, until one of them executes a program.
    Started,
}

/// The state of the supervisor thread. The thread has no filter and does not allocate, because the process
/// that waits for it may hold a lock of the allocator.
struct Supervisor {
    fault: Fault,
    /// The thread ID of the starting thread, as in the field `pid` of notifications.
    starter: u32,
    is_running: AtomicBool,
    /// -1 until the filter is set.
    listener: AtomicI32,
    is_active: AtomicBool,
    calls: AtomicU32,
    has_executed: AtomicBool,
}

/// Runs `body` with `fault`. `body` starts one process and then calls its argument, which ends the fault.
/// The result includes whether the call was made.
///
/// The filter cannot be removed: the calling process is of no use afterwards.
///
/// # Panics
/// The filter cannot be set.
pub fn with_fault<T>(fault: Fault, body: impl FnOnce(&dyn Fn()) -> T) -> (T, bool) {
    let supervisor = Arc::new(Supervisor {
        fault,
        starter: rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs(),
        is_running: AtomicBool::new(false),
        listener: AtomicI32::new(-1),
        is_active: AtomicBool::new(false),
        calls: AtomicU32::new(0),
        has_executed: AtomicBool::new(false),
    });
    let of_thread = Arc::clone(&supervisor);
    std::thread::spawn(move || of_thread.run());
    // A new thread may allocate. It must not do so while the starting thread waits for it.
    while !supervisor.is_running.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_micros(100));
    }
    let listener = ask_about(&[fault.number, libc::SYS_execve]);
    // Not through a channel: its futex(2) call could be the one that waits for a reply.
    supervisor.listener.store(listener.into_raw_fd(), Ordering::SeqCst);
    supervisor.is_active.store(true, Ordering::SeqCst);
    let outcome = body(&|| supervisor.is_active.store(false, Ordering::SeqCst));
    (outcome, supervisor.calls.load(Ordering::SeqCst) >= fault.nth)
}

impl Supervisor {
    fn run(&self) {
        self.is_running.store(true, Ordering::SeqCst);
        let listener = self.await_listener();
        loop {
            match receive(listener) {
                Received::Call(call) => reply(listener, &call, self.errno_for(&call)),
                Received::Nothing => {}
                Received::End => break,
            }
        }
    }

    fn await_listener(&self) -> RawFd {
        loop {
            match self.listener.load(Ordering::SeqCst) {
                -1 => std::thread::sleep(Duration::from_micros(100)),
                listener => return listener,
            }
        }
    }

    /// The error of this call, if it is the one that fails.
    fn errno_for(&self, call: &libc::seccomp_notif) -> Option<Errno> {
        let number = i64::from(call.data.nr);
        let side = if call.pid == self.starter { FaultSide::Starter } else { FaultSide::Started };
        let matches = number == self.fault.number && side == self.fault.side;
        let is_of_start = self.is_active.load(Ordering::SeqCst)
            && (side == FaultSide::Starter || !self.has_executed.load(Ordering::SeqCst));
        if number == libc::SYS_execve && number != self.fault.number {
            self.has_executed.store(true, Ordering::SeqCst);
        }
        let fails = matches
            && is_of_start
            && self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.fault.nth;
        fails.then_some(self.fault.errno)
    }
}
