//! User and group id maps.

use std::format;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_idmap::{GidMap, Helper, Setgroups, UidMap, WritePlan, Writer};
use ns_sys::NamespaceFlags;
use rustix::thread::CapabilitySet;

use super::Builder;
use super::caller::Caller;
use crate::step::Step;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapConfig {
    pub(crate) uid: Option<UidMap>,
    pub(crate) gid: Option<GidMap>,
    /// Whether both were to be that of the caller's own ids.
    pub(crate) zero: bool,
    pub(crate) setgroups: Setgroups,
    pub(crate) uid_helper: Helper,
    pub(crate) gid_helper: Helper,
    pub(crate) proc: Option<PathBuf>,
}

impl<Kind> Builder<Kind> {
    /// The caller's effective uid and gid become 0 in the new user namespace.
    ///
    /// Without a map a program in a new user namespace runs as nobody (65534), without capabilities.
    /// Together with a map of its own that is a mistake.
    ///
    /// # Errors
    /// [`Step::UidMap`](crate::Step::UidMap), [`Step::GidMap`](crate::Step::GidMap), with what stands in the
    /// way as object.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// let output = Container::new("id").arg("-u").namespace(Namespace::User).map_zero().output()?;
    /// assert_eq!(output.stdout, b"0\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// user_namespaces(7).
    pub fn map_zero(&mut self) -> &mut Self {
        self.maps.zero = true;
        self
    }

    /// Which uids of the caller's user namespace are which inside.
    ///
    /// Written by the caller if it may, and otherwise by newuidmap(1), which knows what `/etc/subuid`
    /// delegates; the program is executed once the map holds.
    ///
    /// ```
    /// use ns_process::Container;
    ///
    /// let mut container = Container::new("make");
    /// container.uid_map("0 1000 1,1 100000 65536".parse()?).gid_map(1000.into());
    /// assert_eq!(container.get_uid_map().map(|map| map.extents().len()), Some(2));
    /// # Ok::<(), ns_idmap::ParseError>(())
    /// ```
    ///
    /// # Errors
    /// [`Step::UidMap`](crate::Step::UidMap), with what stands in the way as object.
    ///
    /// # References
    /// user_namespaces(7), newuidmap(1), subuid(5).
    pub fn uid_map(&mut self, map: UidMap) -> &mut Self {
        self.maps.uid = Some(map);
        self
    }

    /// Which gids of the caller's user namespace are which inside; as [`uid_map`](Self::uid_map).
    ///
    /// # Errors
    /// [`Step::GidMap`](crate::Step::GidMap).
    ///
    /// # References
    /// user_namespaces(7), newgidmap(1), subgid(5).
    pub fn gid_map(&mut self, map: GidMap) -> &mut Self {
        self.maps.gid = Some(map);
        self
    }

    /// Whether setgroups(2) is denied inside; by default exactly where the kernel demands it.
    ///
    /// # References
    /// user_namespaces(7).
    pub fn setgroups(&mut self, config: Setgroups) -> &mut Self {
        self.maps.setgroups = config;
        self
    }

    /// The program that writes uid maps for those who may not; by default newuidmap(1) in the folders
    /// where distributions have it, never one from `PATH`.
    ///
    /// # Errors
    /// [`Step::UidMap`](crate::Step::UidMap): how the helper ended, and what it said, as object.
    ///
    /// # References
    /// newuidmap(1).
    pub fn uid_map_helper(&mut self, helper: Helper) -> &mut Self {
        self.maps.uid_helper = helper;
        self
    }

    /// As [`uid_map_helper`](Self::uid_map_helper), for gid maps.
    ///
    /// # References
    /// newgidmap(1).
    pub fn gid_map_helper(&mut self, helper: Helper) -> &mut Self {
        self.maps.gid_helper = helper;
        self
    }

    /// The mount of proc(5) through which the caller reads and writes; `/proc` by default. It has to
    /// show the caller's own pid namespace.
    ///
    /// # References
    /// proc(5), proc_pid_uid_map(5).
    pub fn proc(&mut self, mount: impl Into<PathBuf>) -> &mut Self {
        self.maps.proc = Some(mount.into());
        self
    }

    /// The uid map, if one is set.
    pub fn get_uid_map(&self) -> Option<&UidMap> {
        self.maps.uid.as_ref()
    }

    /// The gid map, if one is set.
    pub fn get_gid_map(&self) -> Option<&GidMap> {
        self.maps.gid.as_ref()
    }

    /// Whether the caller's ids become 0.
    pub fn get_map_zero(&self) -> bool {
        self.maps.zero
    }

    /// What becomes of setgroups(2).
    pub fn get_setgroups(&self) -> Setgroups {
        self.maps.setgroups
    }

    /// The mount of proc(5) that is used.
    pub fn get_proc(&self) -> &Path {
        self.maps.proc()
    }
}

impl MapConfig {
    pub(crate) fn proc(&self) -> &Path {
        self.proc.as_deref().unwrap_or(Path::new("/proc"))
    }
}

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
pub(crate) type Refused = (Step, String);

impl Maps {
    /// Looks at the wish, and decides how it is written, before anything is done.
    pub(crate) fn new(
        config: &MapConfig,
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
    pub(crate) fn describe(&self) -> impl Iterator<Item = String> {
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

fn check(config: &MapConfig, namespaces: NamespaceFlags) -> Result<(), String> {
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
    config: &MapConfig,
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
    config: &MapConfig,
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
