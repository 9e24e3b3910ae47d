//! Waiting for a child by its descriptor.

use bitflags::bitflags;
use linux_raw_sys::general::{__WALL, __WCLONE, WNOHANG, WNOWAIT};
use rustix::fd::AsFd;
use rustix::process::{WaitId, WaitIdOptions, WaitIdStatus, waitid};

use crate::Result;

bitflags! {
    /// How [`waitid_pidfd`] waits.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct WaitFlags: u32 {
        /// Do not sleep.
        const NOHANG = WNOHANG;
        /// Leave the child as it is, to be waited for again.
        const NOWAIT = WNOWAIT;
        /// Only a child whose exit signal is not `SIGCHLD`; executing a program makes it that.
        const CLONE = __WCLONE;
        /// A child with any exit signal.
        const ALL = __WALL;
    }
}

/// How a process ended: the status word of wait(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WaitStatus(i32);

impl WaitStatus {
    /// From the word itself.
    pub const fn from_raw(word: i32) -> Self {
        Self(word)
    }

    /// The word, for std's `ExitStatusExt::from_raw`.
    pub const fn as_raw(self) -> i32 {
        self.0
    }

    /// The exit code, unless a signal ended it.
    pub const fn code(self) -> Option<i32> {
        match self.signal() {
            None => Some((self.0 >> 8) & 0xff),
            Some(_) => None,
        }
    }

    /// The signal that ended it.
    pub const fn signal(self) -> Option<i32> {
        match self.0 & 0x7f {
            0 => None,
            signal => Some(signal),
        }
    }

    /// Whether the signal dumped core.
    pub const fn core_dumped(self) -> bool {
        self.0 & 0x80 != 0
    }
}

/// `waitid(P_PIDFD, pidfd, WEXITED | flags)` — waits for the end of a child, and reaps it.
///
/// `None` with `NOHANG` while it lives. Repeats the call when a signal handler interrupts it.
///
/// # Errors
/// - `ECHILD`: not a child of this process, not one that `flags` admit, reaped by somebody else, or
///   `SIGCHLD` is ignored.
/// - `EINVAL`: before Linux 5.4.
///
/// # Async-signal-safety
/// Not between clone and exec.
///
/// # Kernel support
/// Linux 5.4.
///
/// # Examples
/// ```
/// use ns_sys::WaitFlags;
///
/// let child = std::process::Command::new("true").spawn()?;
/// let pidfd = ns_sys::pidfd_open(child.id())?;
/// let status = ns_sys::waitid_pidfd(&pidfd, WaitFlags::empty())?.expect("it has ended");
/// assert_eq!(status.code(), Some(0));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// waitid(2); kernel/exit.c.
pub fn waitid_pidfd(pidfd: impl AsFd, flags: WaitFlags) -> Result<Option<WaitStatus>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::from_bits_retain(flags.bits());
    rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(pidfd.as_fd()), options))
        .map(|ended| ended.as_ref().map(word))
}

fn word(ended: &WaitIdStatus) -> WaitStatus {
    let dumped = if ended.dumped() { 0x80 } else { 0 };
    WaitStatus(match (ended.exit_status(), ended.terminating_signal()) {
        (Some(code), _) => (code & 0xff) << 8,
        (None, signal) => signal.unwrap_or(0) | dumped,
    })
}
