//! The words of the protocol between a parked process and the process that releases it: `src/parked/report.rs` of
//! ns-process.

pub(super) const RELEASE: [u8; 8] = *b"ns go  1";
pub(super) const MARK: [u8; 8] = *b"ns mark1";
pub(super) const REPORT: [u8; 8] = *b"ns fail1";
/// A mark, and the header of a report.
pub(super) const FIRST: usize = 24;
