//! Writes to a pipe whose reader may have exited.

use std::os::fd::AsFd;
use std::time::Duration;

use ns_sys::child::{SignalSet, rt_sigprocmask, rt_sigtimedwait};
use ns_sys::{Errno, Signal};
use rustix::io::{retry_on_intr, write};

/// write(2), without the `SIGPIPE` that comes with `EPIPE`. Its default action would kill the calling program, and
/// not every program ignores it.
pub(super) fn write_without_signal(pipe: impl AsFd, bytes: &[u8]) -> Result<usize, Errno> {
    // The kernel sends the signal to the calling thread.
    let former = rt_sigprocmask(SignalSet::ALL);
    let written = retry_on_intr(|| write(&pipe, bytes));
    let Ok(former) = former else { return written };
    // A caller that blocks the signal itself gets it as from any write: it may already be pending.
    if written == Err(Errno::PIPE) && !former.contains(Signal::PIPE) {
        let _ = rt_sigtimedwait(SignalSet::EMPTY.with(Signal::PIPE), Duration::ZERO);
    }
    let _ = rt_sigprocmask(former);
    written
}
