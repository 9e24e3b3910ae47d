//! Whether a process handles a signal, as proc shows it.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ns_process::Signal;

use super::proc_pid::field;

/// How long to wait for proof of the signal mask of a process that is running.
const LIMIT: Duration = Duration::from_millis(500);
/// The interval between two checks.
const INTERVAL: Duration = Duration::from_millis(1);
/// The CPU time, in clock ticks, that shows that a process has run between two checks.
const TICKS: u64 = 2;

/// What a process does with a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    /// The signal has a handler, is ignored, or is blocked.
    Handled,
    /// The signal has its default action.
    Default,
    Unknown,
}

/// The system call in which a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// The process waits for signals, which are unblocked during the call: their mask does not show them. Many programs
    /// that run as process 1 do this.
    SignalWait,
    Other,
    /// The process is running, or is about to run. It may still have the mask of the call that it leaves.
    Running,
    /// The file is readable only if `space` may trace the process.
    Unreadable,
}

impl Disposition {
    /// Reads the directory of the process in proc.
    pub(super) fn read(directory: &Path, signal: Signal) -> Self {
        let deadline = Instant::now() + LIMIT;
        let begin = cpu_time(directory);
        loop {
            // A process that has run since the first check has restored its mask.
            let has_run =
                cpu_time(directory).zip(begin).is_some_and(|(now, begin)| now >= begin + TICKS);
            // The process may enter or leave a call between the checks.
            let before = Call::read(directory);
            let status = fs::read_to_string(directory.join("status")).unwrap_or_default();
            let Some(is_handled) = is_handled(&status, signal) else { return Self::Unknown };
            let after = Call::read(directory);
            if is_handled || [before, after].contains(&Call::SignalWait) {
                return Self::Handled;
            }
            match (before, after) {
                (Call::Other, Call::Other) => return Self::Default,
                (Call::Unreadable, _) | (_, Call::Unreadable) => return Self::Unknown,
                _ => {}
            }
            if has_run {
                return Self::Default;
            }
            if deadline <= Instant::now() {
                return Self::Unknown;
            }
            thread::sleep(INTERVAL);
        }
    }
}

impl Call {
    fn read(directory: &Path) -> Self {
        let text = fs::read_to_string(directory.join("syscall"));
        text.map_or(Self::Unreadable, |text| Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let number = text.split_whitespace().next().map(str::parse::<libc::c_long>);
        match number {
            Some(Ok(number)) if number == libc::SYS_rt_sigtimedwait => Self::SignalWait,
            Some(Ok(_)) => Self::Other,
            Some(Err(_)) => Self::Running,
            None => Self::Unreadable,
        }
    }
}

/// Returns true if the signal has a handler, is ignored, or is blocked. `None` if the status has no masks.
fn is_handled(status: &str, signal: Signal) -> Option<bool> {
    let bit = u32::try_from(signal.as_raw() - 1).ok().and_then(|at| 1_u64.checked_shl(at))?;
    let mask = |name| u64::from_str_radix(field(status, name), 16).ok();
    Some((mask("SigBlk")? | mask("SigIgn")? | mask("SigCgt")?) & bit != 0)
}

/// Returns the CPU time of the main thread in clock ticks.
fn cpu_time(directory: &Path) -> Option<u64> {
    let thread = directory.join("task").join(directory.file_name()?);
    let stat = fs::read_to_string(thread.join("stat")).ok()?;
    // The name of the process may contain spaces and parentheses. utime is the 12th field after it.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11).map(str::parse::<u64>);
    Some(fields.next()?.ok()? + fields.next()?.ok()?)
}

/// Returns true if the process is process 1 of a pid namespace other than the caller's.
pub(super) fn is_init(directory: &Path) -> bool {
    let status = fs::read_to_string(directory.join("status")).unwrap_or_default();
    is_inner_init(&status)
}

fn is_inner_init(status: &str) -> bool {
    field(status, "NSpid").split_whitespace().skip(1).last() == Some("1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_1_of_a_pid_namespace_is_recognised() {
        assert!(is_inner_init("NSpid:\t4242\t1\n"));
        assert!(!is_inner_init("NSpid:\t1\n"));
        assert!(!is_inner_init("NSpid:\t42\t7\n"));
    }

    #[test]
    fn the_masks_show_which_signals_are_handled() {
        let status = "SigBlk:\t0\nSigIgn:\t4\nSigCgt:\t2\n";
        let [int, quit, hup] =
            [Signal::INT, Signal::QUIT, Signal::HUP].map(|signal| is_handled(status, signal));
        assert_eq!([int, quit, hup], [Some(true), Some(true), Some(false)]);
        assert_eq!(is_handled("", Signal::INT), None);
    }

    #[test]
    fn a_running_process_is_in_no_known_call() {
        assert_eq!(Call::parse("running\n"), Call::Running);
        assert_eq!(Call::parse("-1 0x7ffe 0x7f9b\n"), Call::Other);
        let wait = format!("{} 0x0 0x0\n", libc::SYS_rt_sigtimedwait);
        assert_eq!(Call::parse(&wait), Call::SignalWait);
        assert_eq!(Call::parse(""), Call::Unreadable);
    }

    #[test]
    fn the_mask_of_a_program_that_does_not_sleep_is_known() {
        let script = "while :; do :; done";
        let mut child =
            std::process::Command::new("sh").args(["-c", script]).spawn().expect("spawn");
        let directory = format!("/proc/{}", child.id());
        let read = || Disposition::read(Path::new(&directory), Signal::USR1);
        assert!((0..20).any(|_| read() == Disposition::Default));
        child.kill().and_then(|()| child.wait()).expect("kill");
    }
}
