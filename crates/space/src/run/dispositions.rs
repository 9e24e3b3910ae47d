//! Which signals a process handles, as proc shows it.

use std::fs;
use std::path::Path;

use ns_process::Signal;

use super::proc_pid::field;

/// What a process does with signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dispositions {
    /// Whether the process is process 1 of a pid namespace other than the caller's.
    pub(super) is_init: bool,
    /// A bit for each signal that has a handler, is ignored, or is blocked.
    handled: u64,
}

impl Dispositions {
    /// Reads the directory of the process in proc.
    pub(super) fn read(directory: &Path) -> Self {
        // The process may enter or leave the call between the two checks.
        let waited = waits_for_signals(directory);
        let status = fs::read_to_string(directory.join("status")).unwrap_or_default();
        let dispositions = Self::parse(&status);
        if waited || waits_for_signals(directory) {
            return Self { handled: u64::MAX, ..dispositions };
        }
        dispositions
    }

    fn parse(status: &str) -> Self {
        let mask = |name| u64::from_str_radix(field(status, name), 16).unwrap_or(0);
        let inner = field(status, "NSpid").split_whitespace().skip(1).last();
        Self {
            is_init: inner == Some("1"),
            handled: mask("SigBlk") | mask("SigIgn") | mask("SigCgt"),
        }
    }

    pub(super) fn handles(self, signal: Signal) -> bool {
        let bit = u32::try_from(signal.as_raw() - 1).ok().and_then(|at| 1_u64.checked_shl(at));
        self.handled & bit.unwrap_or(0) != 0
    }
}

/// Whether the process is in sigtimedwait(2), as many programs that run as process 1 are. The call unblocks the signals
/// that it waits for, so their mask does not show them.
///
/// The file is readable if `space` may trace the process.
fn waits_for_signals(directory: &Path) -> bool {
    let call = fs::read_to_string(directory.join("syscall")).unwrap_or_default();
    let number = call.split(' ').next().and_then(|number| number.parse().ok());
    number == Some(libc::SYS_rt_sigtimedwait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_1_of_a_pid_namespace_is_recognised() {
        let read = Dispositions::parse("NSpid:\t4242\t1\nSigBlk:\t0\nSigIgn:\t4\nSigCgt:\t2\n");
        assert_eq!(read, Dispositions { is_init: true, handled: 6 });
        assert!(read.handles(Signal::INT) && read.handles(Signal::QUIT));
        assert!(!read.handles(Signal::HUP));
        assert!(!Dispositions::parse("NSpid:\t1\n").is_init);
        assert!(!Dispositions::parse("NSpid:\t42\t7\n").is_init);
    }
}
