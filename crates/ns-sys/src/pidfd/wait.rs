//! Wait for a child by its pidfd.

use bitflags::bitflags;
use linux_raw_sys::general::{__WALL, __WCLONE, WNOHANG, WNOWAIT};
use rustix::fd::AsFd;
use rustix::process::{WaitId, WaitIdOptions, WaitIdStatus, waitid};

use crate::{Result, Signal};

bitflags! {
    /// The flags of [`waitid_pidfd`], [`waitid_pidfd_timeout`](crate::waitid_pidfd_timeout),
    /// [`waitid_pidfd_usage`](crate::waitid_pidfd_usage) and [`child::wait4`](crate::child::wait4).
    ///
    /// # References
    /// wait(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct WaitFlags: u32 {
        /// Do not block.
        const NOHANG = WNOHANG;
        /// Do not reap the child: a later call can wait for it again.
        const NOWAIT = WNOWAIT;
        /// Wait only for a child whose exit signal is not `SIGCHLD`; execve(2) resets the signal to
        /// `SIGCHLD`.
        const CLONE = __WCLONE;
        /// Wait for a child with any exit signal.
        const ALL = __WALL;
    }
}

/// The exit status of a process: the status word of wait(2).
///
/// # Async-signal-safety
/// All methods may be called between clone and exec.
///
/// # References
/// wait(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WaitStatus(i32);

impl WaitStatus {
    /// A status from the kernel's status word.
    pub const fn from_raw(word: i32) -> Self {
        Self(word)
    }

    /// The status word, for std's `ExitStatusExt::from_raw`.
    pub const fn as_raw(self) -> i32 {
        self.0
    }

    /// The exit code; `None` if a signal killed the process.
    pub const fn code(self) -> Option<i32> {
        match self.0 & 0x7f {
            0 => Some((self.0 >> 8) & 0xff),
            _ => None,
        }
    }

    /// The signal that killed the process; `None` if it exited.
    ///
    /// For the status word of a stopped or continued process, which the calls of this crate do not
    /// return, this and [`WaitStatus::code`] are `None`.
    pub const fn signal(self) -> Option<Signal> {
        Signal::from_raw(self.0 & 0x7f)
    }

    /// Whether the process was killed by a signal and dumped core.
    pub const fn core_dumped(self) -> bool {
        self.0 & 0x80 != 0
    }
}

/// `waitid(P_PIDFD, pidfd, WEXITED | flags)` — wait until a child has terminated, and reap it.
///
/// With `NOHANG`, returns `None` while the child runs. Retries the call if a signal handler interrupts
/// it. Blocks unless `flags` contain `NOHANG`;
/// [`waitid_pidfd_timeout`](crate::waitid_pidfd_timeout) has a time limit, and
/// [`waitid_pidfd_usage`](crate::waitid_pidfd_usage) returns what the child has used.
///
/// # Errors
/// - `ECHILD`: the process is not a child of the caller, or `flags` exclude it, or it has already been
///   reaped, or `SIGCHLD` is ignored.
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
/// let status = ns_sys::waitid_pidfd(&pidfd, WaitFlags::empty())?.expect("it has exited");
/// assert_eq!(status.code(), Some(0));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// waitid(2); kernel/exit.c.
pub fn waitid_pidfd(pidfd: impl AsFd, flags: WaitFlags) -> Result<Option<WaitStatus>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::from_bits_retain(flags.bits());
    rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(pidfd.as_fd()), options))
        .map(|exited| exited.as_ref().map(status_word))
}

fn status_word(exited: &WaitIdStatus) -> WaitStatus {
    let dumped = if exited.dumped() { 0x80 } else { 0 };
    WaitStatus(match (exited.exit_status(), exited.terminating_signal()) {
        (Some(code), _) => (code & 0xff) << 8,
        (None, signal) => signal.unwrap_or(0) | dumped,
    })
}
