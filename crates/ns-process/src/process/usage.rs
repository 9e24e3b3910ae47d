//! The resources that the process has used, which the kernel returns only to the waiter that reaps it.

use std::fmt;
use std::fs;
use std::prelude::rust_2024::*;
use std::sync::MutexGuard;
use std::time::Duration;

use ns_sys::{Errno, WaitFlags, WaitStatus, waitid_pidfd_usage};

use super::{End, Process};
use crate::error::Error;
use crate::proc_dir::field;

/// The resources that a process has used, with the descendants that were waited for.
///
/// # References
/// getrusage(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// The CPU time in user mode.
    pub user: Duration,
    /// The CPU time in kernel mode.
    pub system: Duration,
    /// The largest resident set of one of the processes, in bytes. An upper bound, unless
    /// [`is_max_rss_exact`](Self::is_max_rss_exact).
    pub max_rss: u64,
    /// Whether [`max_rss`](Self::max_rss) is the maximum of the program.
    ///
    /// At exec, the kernel includes the former memory of the process, which is the caller's, in the maximum. If a
    /// program uses less memory than the caller, `max_rss` is therefore the maximum of the caller, as with
    /// posix_spawn(3). This is `true` if `max_rss` exceeds the caller's maximum by more than an eighth and 1 MiB; the
    /// margin is needed because the kernel counts pages in batches. For exact values of small programs, keep the caller
    /// small, or read `memory.peak` of a cgroup that contains only the program (Linux 5.19).
    pub is_max_rss_exact: bool,
    /// The page faults without I/O.
    pub minor_faults: u64,
    /// The page faults that read from a device.
    pub major_faults: u64,
    /// How often the processes gave up the CPU to wait.
    pub voluntary_switches: u64,
    /// How often the scheduler took the CPU away.
    pub involuntary_switches: u64,
    /// The blocks of 512 bytes read from devices.
    pub blocks_in: u64,
    /// The blocks of 512 bytes written to devices.
    pub blocks_out: u64,
}

/// Why the usage of a process that has exited is not known.
///
/// # References
/// wait(2), ptrace(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsageLost {
    /// The calling program ignores `SIGCHLD`, or another waiter reaped the process.
    Reaped,
    /// Another process is its parent: it is a daemon of [`daemonize`](crate::Builder::daemonize), or was
    /// created with `CLONE_PARENT`.
    OtherParent,
    /// Its tracer has not released it yet. A later call may return the usage.
    Traced,
}

impl fmt::Display for UsageLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reaped => "SIGCHLD is ignored, or another waiter reaped the process",
            Self::OtherParent => "the process is the child of another process",
            Self::Traced => "the tracer of the process has not released it",
        })
    }
}

impl Process {
    /// Returns the resources that the process has used; `None` while it runs, or if the usage is lost, for a reason
    /// that [`usage_lost`](Self::usage_lost) returns. Does not block.
    ///
    /// The usage is known after every way of joining, and later calls return the same. The methods that consume the
    /// handle and return std's `Output` do not return it: use
    /// [`wait_with_output_timeout`](Self::wait_with_output_timeout).
    ///
    /// The usage covers the process with its threads, and the descendants that were waited for, as `RUSAGE_CHILDREN` of
    /// getrusage(2). An init also waits for orphans. The steps of the start in the child, which take microseconds, are
    /// included.
    ///
    /// A process whose parent ignores `SIGCHLD` is not covered. Neither is a process that the kernel kills when process
    /// 1 of its pid namespace exits. With an init this includes the program itself, if [`kill`](Self::kill),
    /// [`kill_tree`](Self::kill_tree) or a limit ends it: run the program without an init, or read `cpu.stat` of its
    /// cgroup.
    ///
    /// A program can therefore hide its usage in a process that it leaves running. For limits of CPU time, read
    /// `cpu.stat` of the program's own cgroup.
    ///
    /// # Errors
    /// As [`join`](Self::join), but a lost status is no error.
    ///
    /// # Kernel support
    /// Linux 5.4.
    ///
    /// # Examples
    /// ```
    /// use ns_process::Container;
    ///
    /// let process = Container::new("true").start()?;
    /// process.join()?;
    /// let usage = process.usage()?.expect("this program reaps no children by itself");
    /// println!("{:?} of CPU time, at most {} bytes", usage.user + usage.system, usage.max_rss);
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// getrusage(2), waitid(2) "C library/kernel differences"; fs/exec.c `exec_mmap`, kernel/pid_namespace.c
    /// `zap_pid_ns_processes`.
    pub fn usage(&self) -> Result<Option<Usage>, Error> {
        let mut end = self.last_end()?;
        let Some(usage) = end.usage else { return Ok(None) };
        // The maximum of the caller may grow later.
        let is_exact = end.is_max_rss_exact.get_or_insert_with(|| exceeds_own(usage.max_rss));
        Ok(Some(Usage::new(usage, *is_exact)))
    }

    /// Returns why the usage is lost; `None` while the process runs, or if the usage is known. Does not block.
    pub fn usage_lost(&self) -> Option<UsageLost> {
        self.last_end().ok()?.lost
    }

    /// The end, after another try to reap the process.
    fn last_end(&self) -> Result<MutexGuard<'_, End>, Error> {
        let joined = self.join_timeout(Duration::ZERO);
        let mut end = self.end();
        if end.lost == Some(UsageLost::Traced) {
            let _ = end.reap(self);
        }
        match joined {
            Err(error) if end.usage.is_none() && end.lost.is_none() => Err(error),
            _ => Ok(end),
        }
    }
}

impl End {
    /// Reaps a process that has exited, and stores its usage, or why it is lost; `None` if its tracer has to
    /// reap it first.
    pub(super) fn reap(&mut self, process: &Process) -> Result<Option<WaitStatus>, Errno> {
        let reaped = waitid_pidfd_usage(process, WaitFlags::ALL | WaitFlags::NOHANG);
        match reaped {
            Ok(Some((_, usage))) => (self.usage, self.lost) = (Some(usage), None),
            _ if self.usage.is_some() => {}
            Ok(None) => self.lost = Some(UsageLost::Traced),
            Err(Errno::CHILD) if process.drop_policy.is_sibling => {
                self.lost = Some(UsageLost::OtherParent);
            }
            Err(Errno::CHILD) => self.lost = Some(UsageLost::Reaped),
            Err(_) => {}
        }
        reaped.map(|reaped| reaped.map(|(status, _)| status))
    }
}

impl Usage {
    fn new(usage: ns_sys::Usage, is_max_rss_exact: bool) -> Self {
        Self {
            user: usage.user,
            system: usage.system,
            max_rss: usage.max_rss,
            is_max_rss_exact,
            minor_faults: usage.minor_faults,
            major_faults: usage.major_faults,
            voluntary_switches: usage.voluntary_switches,
            involuntary_switches: usage.involuntary_switches,
            blocks_in: usage.blocks_in,
            blocks_out: usage.blocks_out,
        }
    }
}

/// Whether `max_rss` is larger than the maximum of the caller, by more than the kernel's counts may differ.
fn exceeds_own(max_rss: u64) -> bool {
    own_max_rss().is_some_and(|own| max_rss > own + own / 8 + (1 << 20))
}

/// The largest resident set of the caller's memory, in bytes.
fn own_max_rss() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = field(&status, "VmHWM")?.strip_suffix(" kB")?;
    kibibytes.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}
