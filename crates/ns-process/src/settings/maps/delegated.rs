//! The maps of `map_auto`: the caller becomes 0, and the IDs that are delegated to it follow.

use std::format;
use std::prelude::rust_2024::*;

use ns_idmap::{Delegation, GidMap, IdKind, IdMap, Owner, SubIds, UidMap};
use rustix::thread::CapabilitySet;

use super::write::{KnownWriter, MapError};
use crate::settings::Caller;
use crate::step::Step;

/// The maps of both kinds.
pub(super) fn maps(
    caller: &Caller,
    writer: &mut KnownWriter,
) -> Result<(UidMap, GidMap), MapError> {
    // The writer has read the files unless it needs no helper.
    let needs_no_helper = caller.has(CapabilitySet::SETUID) && caller.has(CapabilitySet::SETGID);
    let delegation = if needs_no_helper {
        Delegation::of(caller.euid())
    } else {
        writer.get(Step::UidMap)?.delegation.clone()
    };
    let request = Request { uid: caller.euid(), needs_no_helper, delegation: &delegation };
    let uids = request.map(caller.euid(), delegation.sub_uids.as_ref());
    let gids = request.map(caller.egid(), delegation.sub_gids.as_ref());
    let failed = |step| move |message| (step, format!("map_auto: {message}"));
    Ok((uids.map_err(failed(Step::UidMap))?, gids.map_err(failed(Step::GidMap))?))
}

/// The caller's user, and the IDs that are delegated to it.
struct Request<'a> {
    uid: u32,
    needs_no_helper: bool,
    delegation: &'a Delegation,
}

impl Request<'_> {
    fn map<K: IdKind>(&self, own_id: u32, ids: Option<&SubIds>) -> Result<IdMap<K>, String> {
        let ids = ids.ok_or_else(|| self.unknown::<K>())?;
        if ids.ranges().len() == 0 {
            return Err(self.nothing::<K>(ids));
        }
        IdMap::rootless(own_id, ids).map_err(|error| error.to_string())
    }

    /// The message if no IDs are delegated, with the line that is missing.
    fn nothing<K: IdKind>(&self, ids: &SubIds) -> String {
        let (file, owner) = (K::DELEGATION, self.owner());
        let name = owner.name().map_or_else(|| self.uid.to_string(), ToOwned::to_owned);
        let note = match (ids.skipped(), owner.name()) {
            (Some(line), _) => format!("; {line}"),
            (None, None) => "; /etc/passwd has no name for this uid".to_owned(),
            (None, Some(_)) => String::new(),
        };
        let then = if self.needs_no_helper {
            "or set uid_map and gid_map: this caller may map any IDs".to_owned()
        } else {
            format!("and {} must be installed setuid root", K::HELPER)
        };
        format!(
            "{file} delegates no IDs to {owner}: add a line such as {name}:100000:65536 there, {then}{note}"
        )
    }

    /// The message if the delegated IDs are unknown. A helper could write a map, but does not list the ranges.
    fn unknown<K: IdKind>(&self) -> String {
        let (file, owner) = (K::DELEGATION, self.owner());
        let instead = "set uid_map and gid_map to the ranges that getsubids(1) prints";
        if let Some(source) = &self.delegation.source {
            return format!(
                "the delegated IDs of {owner} are unknown, because nsswitch.conf(5) names {source} as their source: {instead}"
            );
        }
        let why = match SubIds::read::<K>(&owner) {
            Err(error) => format!("{file} cannot be read ({error})"),
            Ok(_) => "/etc/passwd cannot be read".to_owned(),
        };
        format!("the delegated IDs of {owner} are unknown, because {why}: {instead}")
    }

    fn owner(&self) -> Owner {
        Owner::of(self.uid).unwrap_or_else(|_| Owner::nameless(self.uid))
    }
}
