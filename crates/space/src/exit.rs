//! Exit statuses, with the values of env(1) and timeout(1).

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use ns_process::{Errno, Error, Step};

use crate::deadline;

pub(crate) const TIMED_OUT: u8 = 124;
/// `space` itself failed.
pub(crate) const FAILED: u8 = 125;
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;
/// The signal number is added to this value.
const SIGNALLED: u8 = 128;

/// Returns the status for a program that has terminated.
pub(crate) fn of_program(status: ExitStatus) -> u8 {
    let number = |number: i32| u8::try_from(number).unwrap_or(FAILED);
    match (status.code(), status.signal()) {
        (Some(code), _) => number(code),
        (None, Some(signal)) => SIGNALLED.saturating_add(number(signal)),
        (None, None) => FAILED,
    }
}

/// Returns the status for a start or a wait that failed.
pub(crate) fn of_error(error: &Error) -> u8 {
    match (error.step(), error.errno()) {
        (Step::StartTimeout, _) => TIMED_OUT,
        (Step::Exec, Some(Errno::NOENT)) => NOT_FOUND,
        (Step::Exec, Some(_)) => NOT_EXECUTABLE,
        _ => FAILED,
    }
}

/// Returns the status for options or input that are refused. The time limit also ends the wait for input.
pub(crate) fn of_input() -> u8 {
    if deadline::has_expired() { TIMED_OUT } else { FAILED }
}
