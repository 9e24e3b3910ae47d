//! The child's id maps, written by the caller or by a helper.

use std::error::Error as StdError;
use std::format;
use std::io;
use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;

use ns_idmap::Setgroups;
use ns_sys::Errno;
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::error::Error;
use crate::plan::Plan;
use crate::step::Step;

/// Writes the maps of the process `pid`. `is_here` tells whether that is still the child, once its
/// folder is open: with `SIGCHLD` ignored its number may be another one's the moment it dies.
pub(super) fn write(plan: &Plan, pid: u32, is_here: impl Fn() -> bool) -> Result<(), Error> {
    let directory = open(plan, pid)?;
    if !is_here() {
        return Err(Error::new(&plan.name, Step::UidMap).with_errno(Errno::SRCH));
    }
    if let Some(way) = &plan.maps.uid {
        let text = || way.map.to_string();
        match &way.helper {
            None => way
                .map
                .write(&directory)
                .map_err(|error| failed(plan, Step::UidMap, &text(), &error)),
            Some(helper) => way
                .map
                .write_by(helper, pid)
                .map_err(|error| failed(plan, Step::UidMap, &text(), &error)),
        }?;
    }
    write_gids(plan, pid, &directory)
}

fn write_gids(plan: &Plan, pid: u32, directory: &OwnedFd) -> Result<(), Error> {
    let Some(way) = &plan.maps.gid else { return Ok(()) };
    let (map, wish) = (&way.map, plan.maps.setgroups);
    let refused =
        |error: &(dyn StdError + 'static)| failed(plan, Step::GidMap, &map.to_string(), error);
    match &way.helper {
        None => map.write(directory, wish).map_err(|error| refused(&error)),
        Some(helper) => {
            if wish == Setgroups::Deny {
                Setgroups::deny(directory).map_err(|error| refused(&error))?;
            }
            map.write_by(helper, pid).map_err(|error| refused(&error))
        }
    }
}

fn open(plan: &Plan, pid: u32) -> Result<OwnedFd, Error> {
    let path = format!("{}/{pid}", plan.maps.proc.display());
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, path.as_str(), flags, Mode::empty())
        .map_err(|errno| Error::new(&plan.name, Step::UidMap).with_errno(errno).with_object(path))
}

fn failed(plan: &Plan, step: Step, map: &str, error: &(dyn StdError + 'static)) -> Error {
    let object = format!("{}: {error}", map.trim_end().replace('\n', ","));
    let refused = Error::new(&plan.name, step).with_object(object);
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    match source.and_then(Errno::from_io_error) {
        Some(errno) => refused.with_errno(errno),
        None => refused,
    }
}
