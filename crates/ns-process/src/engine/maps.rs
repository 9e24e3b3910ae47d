//! The child's id maps, written by the caller or by a helper.

use std::error::Error as StdError;
use std::format;
use std::io;
use std::prelude::rust_2024::*;

use super::folder::Folder;
use crate::error::Error;
use crate::hint;
use crate::plan::Plan;
use crate::step::Step;
use ns_idmap::Setgroups;
use ns_sys::Errno;

/// Writes the maps of the process whose folder that is.
pub(super) fn write(plan: &Plan, folder: &Folder) -> Result<(), Error> {
    if let Some(way) = &plan.maps.uid {
        let text = || way.map.to_string();
        match &way.helper {
            None => {
                way.map.write(folder).map_err(|error| failed(plan, Step::UidMap, &text(), &error))
            }
            Some(helper) => way
                .map
                .write_by(folder, folder.number(), helper)
                .map_err(|error| failed(plan, Step::UidMap, &text(), &error)),
        }?;
    }
    write_gids(plan, folder)
}

fn write_gids(plan: &Plan, folder: &Folder) -> Result<(), Error> {
    let Some(way) = &plan.maps.gid else { return Ok(()) };
    let (map, wish) = (&way.map, plan.maps.setgroups);
    let refused =
        |error: &(dyn StdError + 'static)| failed(plan, Step::GidMap, &map.to_string(), error);
    match &way.helper {
        None => map.write(folder, wish).map_err(|error| refused(&error)),
        Some(helper) => {
            if wish == Setgroups::Deny {
                Setgroups::deny(folder).map_err(|error| refused(&error))?;
            }
            map.write_by(folder, folder.number(), helper).map_err(|error| refused(&error))
        }
    }
}

fn failed(plan: &Plan, step: Step, map: &str, error: &(dyn StdError + 'static)) -> Error {
    let object = format!("{}: {error}", map.trim_end().replace('\n', ","));
    let refused = Error::new(&plan.name, step).with_object(object);
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    match source.and_then(Errno::from_io_error) {
        Some(errno) => refused.with_errno(errno).with_hint(hint::in_user_namespace(step, errno)),
        None => refused,
    }
}
