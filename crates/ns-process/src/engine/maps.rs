//! The child's id maps, written by the caller.

use std::error::Error as _;
use std::format;
use std::io;
use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;

use ns_idmap::{ProcError, Setgroups};
use ns_sys::Errno;
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::error::Error;
use crate::plan::Plan;
use crate::step::Step;

/// Writes the maps of the process `pid`, which the caller keeps from being reaped.
pub(super) fn write(plan: &Plan, pid: u32) -> Result<(), Error> {
    let directory = open(plan, pid)?;
    if let Some(map) = &plan.maps.uid {
        let written = map.write(&directory);
        written.map_err(|error| failed(plan, Step::UidMap, &map.to_string(), &error))?;
    }
    if let Some(map) = &plan.maps.gid {
        let written = map.write(&directory, Setgroups::Auto);
        written.map_err(|error| failed(plan, Step::GidMap, &map.to_string(), &error))?;
    }
    Ok(())
}

fn open(plan: &Plan, pid: u32) -> Result<OwnedFd, Error> {
    let path = format!("/proc/{pid}");
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, path.as_str(), flags, Mode::empty())
        .map_err(|errno| Error::new(&plan.name, Step::UidMap).with_errno(errno).with_object(path))
}

fn failed(plan: &Plan, step: Step, map: &str, error: &ProcError) -> Error {
    let object = format!("{}: {error}", map.trim_end());
    let refused = Error::new(&plan.name, step).with_object(object);
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    match source.and_then(Errno::from_io_error) {
        Some(errno) => refused.with_errno(errno),
        None => refused,
    }
}
