//! The clocks of the child's time namespace, set by the caller while the child waits.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;

use ns_sys::Errno;
use rustix::fs::{Mode, OFlags, openat};
use std::fs::File;

use crate::error::Error;
use crate::plan::Plan;
use crate::proc_dir::ProcDir;
use crate::step::Step;

/// Writes the offsets of both clocks in one call, because the kernel accepts none once a process
/// lives in the namespace.
pub(super) fn write(plan: &Plan, dir: &ProcDir) -> Result<(), Error> {
    let Some(text) = &plan.time_offsets else { return Ok(()) };
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let file = openat(dir, "timens_offsets", flags, Mode::empty());
    let written = file.and_then(|file: OwnedFd| {
        let errno = |error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
        File::from(file).write_all(text.as_bytes()).map_err(errno)
    });
    written.map_err(|errno| {
        let object = text.trim_end().replace('\n', ", ");
        Error::new(&plan.name, Step::TimeOffsets).with_errno(errno).with_object(object)
    })
}
