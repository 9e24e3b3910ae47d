//! The child's maps, and who writes them.

use std::format;
use std::path::PathBuf;
use std::prelude::rust_2024::*;

use ns_idmap::{GidMap, Helper, Setgroups, UidMap, WritePlan, Writer};
use ns_sys::NamespaceFlags;
use rustix::thread::CapabilitySet;

use super::caller::Caller;
use crate::builder::Maps as Wish;
use crate::step::Step;

/// What is written before the child goes on.
#[derive(Debug)]
pub(crate) struct Maps {
    pub(crate) uid: Option<MapWrite<UidMap>>,
    pub(crate) gid: Option<MapWrite<GidMap>>,
    pub(crate) setgroups: Setgroups,
    /// Where proc is mounted.
    pub(crate) proc: PathBuf,
}

/// A map, and the one way to write it.
#[derive(Debug)]
pub(crate) struct MapWrite<Map> {
    pub(crate) map: Map,
    /// `None`: by the caller itself.
    pub(crate) helper: Option<Helper>,
}

/// A mistake, or a map that cannot be written.
pub(super) type Refused = (Step, String);

impl Maps {
    /// Looks at the wish, and decides how it is written, before anything is done.
    pub(super) fn new(
        config: &Wish,
        namespaces: NamespaceFlags,
        caller: &Caller,
    ) -> Result<Self, Refused> {
        check(config, namespaces).map_err(|message| (Step::Check, message))?;
        let own_uid = || config.zero.then(|| UidMap::from(caller.euid()));
        let own_gid = || config.zero.then(|| GidMap::from(caller.egid()));
        let (uid, gid) = (config.uid.clone().or_else(own_uid), config.gid.clone().or_else(own_gid));
        let mut writer = KnownWriter(None);
        let uid = uid.map(|map| uid_write(map, config, caller, &mut writer)).transpose()?;
        let setgroups = setgroups(config.setgroups, gid.as_ref(), caller);
        let gid = gid.map(|map| gid_write(map, config, caller, &mut writer)).transpose()?;
        Ok(Self { uid, gid, setgroups, proc: config.proc().to_owned() })
    }

    /// Whether the parent writes anything.
    pub(crate) fn are_written(&self) -> bool {
        self.uid.is_some() || self.gid.is_some()
    }

    /// Whether other programs write any of them.
    pub(crate) fn have_helpers(&self) -> bool {
        let uid = self.uid.as_ref().is_some_and(|write| write.helper.is_some());
        uid || self.gid.as_ref().is_some_and(|write| write.helper.is_some())
    }

    /// What the parent does for them.
    pub(super) fn describe(&self) -> impl Iterator<Item = String> {
        let uid = self.uid.as_ref().map(|write| write.describe("uid_map", &write.map));
        let deny = self.gid.is_some() && self.setgroups == Setgroups::Deny;
        let deny = deny.then(|| "write(setgroups, \"deny\")".to_owned());
        let gid = self.gid.as_ref().map(|write| write.describe("gid_map", &write.map));
        uid.into_iter().chain(deny).chain(gid)
    }
}

impl<Map> MapWrite<Map> {
    fn describe(&self, file: &str, map: &impl ToString) -> String {
        let (map, helper) =
            (map.to_string(), if file == "uid_map" { "newuidmap" } else { "newgidmap" });
        match self.helper {
            None => format!("write({file}, {map:?})"),
            Some(_) => format!("{helper} PID {}", map.trim_end().replace('\n', " ")),
        }
    }
}

fn check(config: &Wish, namespaces: NamespaceFlags) -> Result<(), String> {
    let setters = [(config.uid.is_some(), "uid_map"), (config.gid.is_some(), "gid_map")];
    let explicit = setters.into_iter().find_map(|(set, setter)| set.then_some(setter));
    if let Some(setter) = explicit.filter(|_| config.zero) {
        return Err(format!("map_zero: {setter} is given as well"));
    }
    let asked = explicit.or(config.zero.then_some("map_zero"));
    match asked.filter(|_| !namespaces.contains(NamespaceFlags::USER)) {
        Some(setter) => Err(format!("{setter}: needs a new user namespace")),
        None => Ok(()),
    }
}

/// The facts about the caller that need files to be read: only for whom they decide.
struct KnownWriter(Option<Writer>);

impl KnownWriter {
    fn get(&mut self, step: Step) -> Result<&Writer, Refused> {
        match &mut self.0 {
            Some(writer) => Ok(writer),
            unknown => {
                let writer = Writer::current().map_err(|error| (step, error.to_string()))?;
                Ok(unknown.insert(writer))
            }
        }
    }
}

/// One's own id alone needs no privilege, and with privilege there is no other way.
fn uid_write(
    map: UidMap,
    config: &Wish,
    caller: &Caller,
    writer: &mut KnownWriter,
) -> Result<MapWrite<UidMap>, Refused> {
    let direct = caller.has(CapabilitySet::SETUID) || is_alone(map.extents(), caller.euid());
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
    config: &Wish,
    caller: &Caller,
    writer: &mut KnownWriter,
) -> Result<MapWrite<GidMap>, Refused> {
    let alone = config.setgroups != Setgroups::Keep && is_alone(map.extents(), caller.egid());
    let helper = if caller.has(CapabilitySet::SETGID) || alone {
        None
    } else {
        let plan = map.plan(writer.get(Step::GidMap)?, config.setgroups);
        helper(plan, &config.gid_helper, Step::GidMap, &map)?
    };
    Ok(MapWrite { map, helper })
}

fn helper(
    plan: WritePlan,
    helper: &Helper,
    step: Step,
    map: &impl ToString,
) -> Result<Option<Helper>, Refused> {
    match plan {
        WritePlan::Direct => Ok(None),
        WritePlan::Helper => Ok(Some(helper.clone())),
        WritePlan::Impossible(reason) => {
            Err((step, format!("{}: {reason}", map.to_string().trim_end().replace('\n', ","))))
        }
    }
}

fn is_alone(extents: &[ns_idmap::Extent], own: u32) -> bool {
    matches!(extents, [only] if only.length == 1 && only.outside == own)
}

/// What the kernel demands of somebody without `CAP_SETGID`, decided here so that nothing has to be
/// looked up while the child waits.
fn setgroups(config: Setgroups, map: Option<&GidMap>, caller: &Caller) -> Setgroups {
    let alone = map.is_some_and(|map| is_alone(map.extents(), caller.egid()));
    match config {
        Setgroups::Auto if alone && !caller.has(CapabilitySet::SETGID) => Setgroups::Deny,
        Setgroups::Auto => Setgroups::Keep,
        told => told,
    }
}
