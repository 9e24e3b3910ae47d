//! The clocks of the child's time namespace, set by the caller while the child waits.

use std::format;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;

use ns_sys::Errno;
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::fs::File;

use crate::error::Error;
use crate::plan::Plan;
use crate::step::Step;

/// One write: the kernel takes the lines of both clocks together, and none once a process lives in
/// the namespace.
pub(super) fn write(plan: &Plan, pid: u32) -> Result<(), Error> {
    let Some(text) = &plan.time_offsets else { return Ok(()) };
    let path = format!("{}/{pid}/timens_offsets", plan.maps.proc.display());
    let file = openat(CWD, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
    let written = file.and_then(|file: OwnedFd| {
        let errno = |error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
        File::from(file).write_all(text.as_bytes()).map_err(errno)
    });
    written.map_err(|errno| {
        let object = text.trim_end().replace('\n', ", ");
        Error::new(&plan.name, Step::TimeOffsets).with_errno(errno).with_object(object)
    })
}
