//! User and group ID maps.

use std::format;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_idmap::{Gid, GidMap, Helper, IdKind, IdMap, Setgroups, Uid, UidMap, WritePlan, Writer};
use ns_sys::NamespaceFlags;
use rustix::thread::CapabilitySet;

use super::Builder;
use super::caller::Caller;
use crate::step::Step;

/// The requested maps.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapConfig {
    pub(crate) uid: Option<UidMap>,
    pub(crate) gid: Option<GidMap>,
    /// Whether both maps contain the caller's effective ID as 0, and nothing else.
    pub(crate) zero: bool,
    pub(crate) setgroups: Setgroups,
    pub(crate) uid_helper: Helper<Uid>,
    pub(crate) gid_helper: Helper<Gid>,
    pub(crate) proc: Option<PathBuf>,
}

/// # ID maps
///
/// The uid and gid maps of a new user namespace.
impl<Kind> Builder<Kind> {
    /// Maps the caller's effective uid and gid to 0 in the new user namespace.
    ///
    /// By default nothing is mapped: a program in a new user namespace runs as nobody (65534),
    /// without capabilities. Needs a new `User` namespace, and excludes [`uid_map`](Self::uid_map)
    /// and [`gid_map`](Self::gid_map).
    ///
    /// # Errors
    /// [`Step::UidMap`](crate::Step::UidMap), [`Step::GidMap`](crate::Step::GidMap), with the
    /// obstacle as object.
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

    /// Sets the uid map: which uids of the caller's user namespace have which uid inside.
    ///
    /// By default no uid is mapped. The caller writes the map if it may; otherwise newuidmap(1)
    /// does, with the uids that `/etc/subuid` delegates. The program is executed after the map is
    /// written. Needs a new `User` namespace.
    ///
    /// # Errors
    /// [`Step::UidMap`](crate::Step::UidMap), with the obstacle as object.
    ///
    /// # Examples
    /// ```
    /// use ns_process::Container;
    ///
    /// let mut container = Container::new("make");
    /// container.uid_map("0 1000 1,1 100000 65536".parse()?).gid_map(1000.into());
    /// assert_eq!(container.get_uid_map().map(|map| map.extents().len()), Some(2));
    /// # Ok::<(), ns_idmap::ParseError>(())
    /// ```
    ///
    /// # References
    /// user_namespaces(7), newuidmap(1), subuid(5).
    pub fn uid_map(&mut self, map: UidMap) -> &mut Self {
        self.maps.uid = Some(map);
        self
    }

    /// Sets the gid map: which gids of the caller's user namespace have which gid inside.
    ///
    /// By default no gid is mapped. newgidmap(1) and `/etc/subgid` serve as for
    /// [`uid_map`](Self::uid_map). Needs a new `User` namespace.
    ///
    /// # Errors
    /// [`Step::GidMap`](crate::Step::GidMap), with the obstacle as object.
    ///
    /// # References
    /// user_namespaces(7), newgidmap(1), subgid(5).
    pub fn gid_map(&mut self, map: GidMap) -> &mut Self {
        self.maps.gid = Some(map);
        self
    }

    /// Sets whether setgroups(2) is denied inside; by default only where the kernel requires it.
    ///
    /// # References
    /// user_namespaces(7).
    pub fn setgroups(&mut self, config: Setgroups) -> &mut Self {
        self.maps.setgroups = config;
        self
    }

    /// Sets the program that writes uid maps which the caller may not write.
    ///
    /// By default it is newuidmap(1) in a directory where distributions install it; `PATH` is not
    /// searched. The start waits until the helper has exited.
    ///
    /// # Errors
    /// [`Step::UidMap`](crate::Step::UidMap), with the exit status of the helper and its output as
    /// object.
    ///
    /// # References
    /// newuidmap(1).
    pub fn uid_map_helper(&mut self, helper: Helper<Uid>) -> &mut Self {
        self.maps.uid_helper = helper;
        self
    }

    /// Sets the program that writes gid maps; see [`uid_map_helper`](Self::uid_map_helper).
    ///
    /// # Errors
    /// [`Step::GidMap`](crate::Step::GidMap), with the exit status of the helper and its output as
    /// object.
    ///
    /// # References
    /// newgidmap(1).
    pub fn gid_map_helper(&mut self, helper: Helper<Gid>) -> &mut Self {
        self.maps.gid_helper = helper;
        self
    }

    /// Sets the mount of proc(5) that the caller uses; by default `/proc`.
    ///
    /// The mount must show the caller's own pid namespace.
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

    /// Whether the caller's IDs are mapped to 0.
    pub fn get_map_zero(&self) -> bool {
        self.maps.zero
    }

    /// The setting for setgroups(2).
    pub fn get_setgroups(&self) -> Setgroups {
        self.maps.setgroups
    }

    /// The mount of proc(5).
    pub fn get_proc(&self) -> &Path {
        self.maps.proc()
    }
}

impl MapConfig {
    pub(crate) fn proc(&self) -> &Path {
        self.proc.as_deref().unwrap_or(Path::new("/proc"))
    }
}

/// The maps that are written before the child is released.
#[derive(Debug)]
pub(crate) struct Maps {
    pub(crate) uid: Option<MapWrite<Uid>>,
    pub(crate) gid: Option<MapWrite<Gid>>,
    pub(crate) setgroups: Setgroups,
    /// The mount of proc(5).
    pub(crate) proc: PathBuf,
}

/// A map, and how it is written.
#[derive(Debug)]
pub(crate) struct MapWrite<K: IdKind> {
    pub(crate) map: IdMap<K>,
    /// `None`: the caller writes the map.
    pub(crate) helper: Option<Helper<K>>,
}

/// An invalid setting, or a map that cannot be written.
pub(crate) type MapError = (Step, String);

impl Maps {
    /// Checks the configuration, and selects how each map is written.
    pub(crate) fn new(
        config: &MapConfig,
        namespaces: NamespaceFlags,
        caller: &Caller,
    ) -> Result<Self, MapError> {
        check(config, namespaces).map_err(|message| (Step::Check, message))?;
        let zero_uid_map = || config.zero.then(|| UidMap::from(caller.euid()));
        let zero_gid_map = || config.zero.then(|| GidMap::from(caller.egid()));
        let (uid, gid) =
            (config.uid.clone().or_else(zero_uid_map), config.gid.clone().or_else(zero_gid_map));
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

fn check(config: &MapConfig, namespaces: NamespaceFlags) -> Result<(), String> {
    let setters = [(config.uid.is_some(), "uid_map"), (config.gid.is_some(), "gid_map")];
    let explicit = setters.into_iter().find_map(|(set, setter)| set.then_some(setter));
    if let Some(setter) = explicit.filter(|_| config.zero) {
        return Err(format!("map_zero: {setter} is given as well"));
    }
    let setter = explicit.or(config.zero.then_some("map_zero"));
    match setter.filter(|_| !namespaces.contains(NamespaceFlags::USER)) {
        Some(setter) => Err(format!("{setter}: needs a new user namespace")),
        None => Ok(()),
    }
}

/// The caller as the writer of a map, read from files only if a map needs it.
struct KnownWriter(Option<Writer>);

impl KnownWriter {
    fn get(&mut self, step: Step) -> Result<&Writer, MapError> {
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
            Err((step, format!("{}: {reason}", map.to_string().trim_end().replace('\n', ","))))
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
