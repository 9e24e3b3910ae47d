//! How the maps are written: by the caller itself, or by a helper program.

use std::borrow::Cow;
use std::format;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_idmap::{
    Gid, GidMap, Helper, IdKind, IdMap, Reason, Setgroups, Uid, UidMap, WritePlan, Writer,
};
use ns_sys::NamespaceFlags;
use rustix::thread::CapabilitySet;

use super::{MapConfig, delegated};
use crate::settings::Caller;
use crate::step::Step;

/// The maps that are written before the child is released.
#[derive(Debug)]
pub(crate) struct Maps {
    pub(crate) uid: Option<MapWrite<Uid>>,
    pub(crate) gid: Option<MapWrite<Gid>>,
    pub(crate) setgroups: Setgroups,
    /// The mount of proc(5).
    pub(crate) proc: Cow<'static, Path>,
}

/// A map, and how it is written.
#[derive(Debug)]
pub(crate) struct MapWrite<K: IdKind> {
    pub(crate) map: IdMap<K>,
    /// `None`: the caller writes the map.
    pub(crate) helper: Option<Helper<K>>,
}

/// An invalid setting, or a map that cannot be written.
pub(super) type MapError = (Step, String);

impl Maps {
    /// Checks the configuration, and selects how each map is written. `namespaces` are the new ones;
    /// `None` for an `Inject`, which has none.
    pub(crate) fn new(
        config: &MapConfig,
        namespaces: Option<NamespaceFlags>,
        caller: &Caller,
    ) -> Result<Self, MapError> {
        check(config, namespaces).map_err(|message| (Step::Check, message))?;
        let mut writer = KnownWriter(None);
        let (uid, gid) = requested(config, caller, &mut writer)?;
        let uid = uid.map(|map| uid_write(map, config, caller, &mut writer)).transpose()?;
        let setgroups = setgroups(config.setgroups, gid.as_ref(), caller);
        let gid = gid.map(|map| gid_write(map, config, caller, &mut writer)).transpose()?;
        Ok(Self { uid, gid, setgroups, proc: config.owned_proc() })
    }

    /// Whether the parent writes anything.
    pub(crate) fn are_written(&self) -> bool {
        self.uid.is_some() || self.gid.is_some()
    }

    /// Whether a helper writes any of them.
    pub(crate) fn have_helpers(&self) -> bool {
        let uid = self.uid.as_ref().is_some_and(|write| write.helper.is_some());
        uid || self.gid.as_ref().is_some_and(|write| write.helper.is_some())
    }

    /// The writes and the helpers of the parent.
    pub(crate) fn describe(&self) -> impl Iterator<Item = String> {
        let uid = self.uid.as_ref().map(MapWrite::describe);
        let deny = self.gid.is_some() && self.setgroups == Setgroups::Deny;
        let deny = deny.then(|| "write(setgroups, \"deny\")".to_owned());
        let gid = self.gid.as_ref().map(MapWrite::describe);
        uid.into_iter().chain(deny).chain(gid)
    }
}

impl<K: IdKind> MapWrite<K> {
    fn describe(&self) -> String {
        let map = self.map.to_string();
        match self.helper {
            None => format!("write({}, {map:?})", K::FILE),
            Some(_) => format!("{} PID {}", K::HELPER, map.trim_end().replace('\n', " ")),
        }
    }
}

fn check(config: &MapConfig, namespaces: Option<NamespaceFlags>) -> Result<(), String> {
    let setters = [
        (config.zero, "map_zero"),
        (config.auto, "map_auto"),
        (config.same, "map_same"),
        (config.uid.is_some(), "uid_map"),
        (config.gid.is_some(), "gid_map"),
    ];
    let mut given = setters.into_iter().filter_map(|(is_given, setter)| is_given.then_some(setter));
    let Some(setter) = given.next() else { return Ok(()) };
    // Only a uid_map and a gid_map go together.
    if let Some(other) = given.next().filter(|_| setter != "uid_map") {
        return Err(format!("{setter}: {other} is given as well"));
    }
    match namespaces {
        None => Err(format!("{setter}: an Inject uses the maps of the joined user namespace")),
        Some(new) if new.contains(NamespaceFlags::USER) => Ok(()),
        Some(_) => Err(format!("{setter}: needs a new user namespace: namespace(Namespace::User)")),
    }
}

/// The maps that the configuration gives or describes.
fn requested(
    config: &MapConfig,
    caller: &Caller,
    writer: &mut KnownWriter,
) -> Result<(Option<UidMap>, Option<GidMap>), MapError> {
    if config.auto {
        let (uid, gid) = delegated::maps(caller, writer)?;
        return Ok((Some(uid), Some(gid)));
    }
    if config.zero {
        return Ok((Some(caller.euid().into()), Some(caller.egid().into())));
    }
    if config.same {
        let uid = UidMap::identity(caller.euid(), 1);
        let gid = GidMap::identity(caller.egid(), 1);
        let uid = uid.map_err(|error| (Step::UidMap, format!("map_same: {error}")))?;
        let gid = gid.map_err(|error| (Step::GidMap, format!("map_same: {error}")))?;
        return Ok((Some(uid), Some(gid)));
    }
    Ok((config.uid.clone(), config.gid.clone()))
}

/// The caller as the writer of a map, read from files only if a map needs it.
pub(super) struct KnownWriter(Option<Writer>);

impl KnownWriter {
    pub(super) fn get(&mut self, step: Step) -> Result<&Writer, MapError> {
        match &mut self.0 {
            Some(writer) => Ok(writer),
            unknown => {
                let writer = Writer::current().map_err(|error| (step, error.to_string()))?;
                Ok(unknown.insert(writer))
            }
        }
    }
}

/// The map of the caller's own ID alone needs no privilege. With `CAP_SETUID` the caller always
/// writes the map itself.
fn uid_write(
    map: UidMap,
    config: &MapConfig,
    caller: &Caller,
    writer: &mut KnownWriter,
) -> Result<MapWrite<Uid>, MapError> {
    let direct = caller.has(CapabilitySet::SETUID) || maps_only(map.extents(), caller.euid());
    let helper = if direct {
        None
    } else {
        let plan = map.plan(writer.get(Step::UidMap)?);
        helper(plan, &config.uid_helper, Step::UidMap, &map)?
    };
    Ok(MapWrite { map, helper })
}

fn gid_write(
    map: GidMap,
    config: &MapConfig,
    caller: &Caller,
    writer: &mut KnownWriter,
) -> Result<MapWrite<Gid>, MapError> {
    let alone = config.setgroups != Setgroups::Keep && maps_only(map.extents(), caller.egid());
    let helper = if caller.has(CapabilitySet::SETGID) || alone {
        None
    } else {
        let plan = map.plan(writer.get(Step::GidMap)?, config.setgroups);
        helper(plan, &config.gid_helper, Step::GidMap, &map)?
    };
    Ok(MapWrite { map, helper })
}

fn helper<K: IdKind>(
    plan: WritePlan,
    helper: &Helper<K>,
    step: Step,
    map: &IdMap<K>,
) -> Result<Option<Helper<K>>, MapError> {
    match plan {
        WritePlan::Direct => Ok(None),
        WritePlan::Helper => Ok(Some(helper.clone())),
        WritePlan::Impossible(reason) => {
            // The reason names the entry.
            let map = map.to_string().trim_end().replace('\n', ",");
            let names_entry = matches!(reason, Reason::NotDelegated { .. });
            Err((step, if names_entry { reason.to_string() } else { format!("{map}: {reason}") }))
        }
    }
}

/// Whether the map contains only the outside ID `id`.
fn maps_only(extents: &[ns_idmap::Extent], id: u32) -> bool {
    matches!(extents, [only] if only.length == 1 && only.outside == id)
}

/// Resolves `Auto`: without `CAP_SETGID` the kernel requires setgroups(2) to be denied. This is
/// decided here, so that no file is read while the child waits.
fn setgroups(config: Setgroups, map: Option<&GidMap>, caller: &Caller) -> Setgroups {
    let alone = map.is_some_and(|map| maps_only(map.extents(), caller.egid()));
    match config {
        Setgroups::Auto if alone && !caller.has(CapabilitySet::SETGID) => Setgroups::Deny,
        Setgroups::Auto => Setgroups::Keep,
        explicit => explicit,
    }
}
