//! The adjustment of the OOM killer's score.

use core::ffi::CStr;

use super::cwd::cwd;
use super::dumpable;
use super::handshake::Report;
use super::write_file::write_file;
use crate::step::Step;

/// The value to write, in the first process with its own copy of the memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OomScoreAdj<'a> {
    /// `/proc/self/oom_score_adj`.
    pub(crate) file: &'a CStr,
    pub(crate) text: &'a [u8],
    /// The dumpable flag of the caller. The memory may have been copied while another start had cleared it.
    pub(crate) dumpable: bool,
}

/// Sets the value. A process whose dumpable flag is clear could not open the file, which then belongs to root.
#[inline]
pub(super) fn set(config: Option<OomScoreAdj<'_>>) -> Result<(), Report> {
    let Some(config) = config else { return Ok(()) };
    dumpable::set(config.dumpable.then_some(true))?;
    let written = write_file(cwd(), config.file, config.text);
    written.map_err(|errno| Report::new(Step::OomScoreAdj, errno))
}
