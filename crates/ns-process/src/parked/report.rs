//! What a gate sends to the process that releases it: the mark, or the report of a failure.
//!
//! The mark says that execve(2) follows, and the name that the process has until then. The report
//! has the result of each step, in words of 8 bytes:
//!
//! ```text
//! MARK, a name of 16 bytes
//! REPORT, count, length, count × (step, result), the objects of the steps as C strings
//! ```

use std::ffi::CStr;
use std::prelude::rust_2024::*;

use ns_sys::Errno;

use crate::in_child::NOT_FOUND;
use crate::step::Step;

/// Different from the small numbers that other protocols begin with.
pub(super) const MARK: u64 = u64::from_le_bytes(*b"ns mark1");
pub(super) const REPORT: u64 = u64::from_le_bytes(*b"ns fail1");
/// What a connection sends to release the process.
pub(super) const RELEASE: u64 = u64::from_le_bytes(*b"ns go  1");

pub(super) const MARK_SIZE: usize = 24;
/// The words of a report before its entries.
pub(super) const HEADER_SIZE: usize = 24;
const ENTRY: usize = 16;

/// Larger reports are no reports of a gate.
const MAX_COUNT: u64 = 1 << 12;
const MAX_LENGTH: u64 = 1 << 20;

/// The mark with this name.
pub(super) fn mark(name: &[u8; 16]) -> [u8; MARK_SIZE] {
    let mut mark = [0; MARK_SIZE];
    mark[..8].copy_from_slice(&MARK.to_le_bytes());
    mark[8..].copy_from_slice(name);
    mark
}

/// The result of a step that was not made. As a descriptor, it is not open.
const NOT_MADE: i64 = i64::MAX;

/// The report before any call was made.
pub(super) fn encode(steps: &[(Step, Vec<u8>)]) -> Vec<u8> {
    let length: usize = steps.iter().map(|(_, object)| object.len() + 1).sum();
    let header = [REPORT, steps.len() as u64, length as u64];
    let entries =
        steps.iter().flat_map(|(step, _)| [u64::from(*step as u32), NOT_MADE.unsigned_abs()]);
    let mut report: Vec<u8> =
        header.into_iter().chain(entries).flat_map(u64::to_le_bytes).collect();
    for (_, object) in steps {
        report.extend_from_slice(object);
        report.push(0);
    }
    report
}

/// The offset of the result of a step.
pub(super) fn result_at(index: usize) -> u64 {
    (HEADER_SIZE + index * ENTRY + 8) as u64
}

/// The length of the rest of a report with this header; `None` if it is no report.
pub(super) fn rest_length(header: &[u8; HEADER_SIZE]) -> Option<usize> {
    let (tag, count, length) = (word(header, 0)?, word(header, 8)?, word(header, 16)?);
    if tag != REPORT || count > MAX_COUNT || length > MAX_LENGTH {
        return None;
    }
    usize::try_from(count * ENTRY as u64 + length).ok()
}

/// A failed step, as a gate reported it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FailedStep {
    pub(super) step: Step,
    pub(super) errno: Errno,
    /// The program as tried, a path, a resource or a number; empty if there is none.
    pub(super) object: String,
    /// Whether it is one of several paths of a program that was searched.
    pub(super) is_search: bool,
}

/// The failure in a report; `None` if the report is invalid or without a failure.
pub(super) fn failure(header: &[u8; HEADER_SIZE], rest: &[u8]) -> Option<FailedStep> {
    let count = usize::try_from(word(header, 8)?).ok()?;
    let (entries, mut names) = rest.split_at_checked(count * ENTRY)?;
    let mut denied = None;
    let mut missing: Option<FailedStep> = None;
    for entry in entries.chunks_exact(ENTRY) {
        let object = CStr::from_bytes_until_nul(names).ok()?;
        names = names.get(object.count_bytes() + 1..)?;
        let number = u32::try_from(word(entry, 0)?).ok()?;
        let step = Step::decode(number)?;
        let result = i64::from_le_bytes(*entry.get(8..)?.first_chunk()?);
        let errno = match errno_of(result) {
            Some(errno) => errno,
            // A check of the program has succeeded.
            None if step == Step::Exec && result != NOT_MADE => return None,
            None => continue,
        };
        let object = object.to_string_lossy().into_owned();
        let failed = FailedStep { step, errno, object, is_search: false };
        // As in execvp(3): a file that may not be executed does not end the search, and its errno
        // takes precedence over that of a missing one.
        match (step, errno) {
            (Step::Exec, Errno::ACCESS) => denied = denied.or(Some(failed)),
            (Step::Exec, errno) if NOT_FOUND.contains(&errno) => {
                // The errno of a search.
                let errno = if missing.is_some() { Errno::NOENT } else { errno };
                let is_search = missing.is_some();
                missing = Some(FailedStep { errno, is_search, ..missing.unwrap_or(failed) });
            }
            _ => return Some(failed),
        }
    }
    denied.or(missing)
}

/// The errno of a result; `None` if the call succeeded.
fn errno_of(result: i64) -> Option<Errno> {
    let result = i32::try_from(result).ok()?;
    (-4095..0).contains(&result).then(|| Errno::from_raw_os_error(-result))
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
