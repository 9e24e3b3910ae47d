//! Writes to a pipe whose reader may have exited.

use std::os::fd::AsFd;
use std::time::Duration;

use ns_sys::child::{SignalSet, rt_sigprocmask, rt_sigtimedwait};
use ns_sys::{Errno, Signal};
use rustix::io::{retry_on_intr, write};

/// write(2), without the `SIGPIPE` that accompanies `EPIPE`. The default action of the signal would kill the calling
/// program.
pub(super) fn write_without_signal(pipe: impl AsFd, bytes: &[u8]) -> Result<usize, Errno> {
    // The kernel sends the signal to the calling thread.
    let former = rt_sigprocmask(SignalSet::ALL);
    let written = retry_on_intr(|| write(&pipe, bytes));
    let Ok(former) = former else { return written };
    // If the caller blocks the signal, it stays pending, as after any write: it may have been pending before.
    if written == Err(Errno::PIPE) && !former.contains(Signal::PIPE) {
        let _ = rt_sigtimedwait(SignalSet::EMPTY.with(Signal::PIPE), Duration::ZERO);
    }
    let _ = rt_sigprocmask(former);
    written
}
