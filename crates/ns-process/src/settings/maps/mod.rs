//! User and group ID maps.

mod delegated;
mod write;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_idmap::{Gid, GidMap, Helper, Setgroups, Uid, UidMap};

use super::Builder;
pub(crate) use write::Maps;

/// The usual mount of proc(5).
const DEFAULT_PROC: &str = "/proc";

/// The requested maps.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapConfig {
    pub(crate) uid: Option<UidMap>,
    pub(crate) gid: Option<GidMap>,
    /// Whether both maps contain the caller's effective ID as 0, and nothing else.
    pub(crate) zero: bool,
    /// Whether both maps contain the caller's effective ID as 0, and the delegated IDs after it.
    pub(crate) auto: bool,
    /// Whether both maps contain the caller's effective ID as itself, and nothing else.
    pub(crate) same: bool,
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
    /// without capabilities. Needs a new `User` namespace, and excludes the other setters of maps.
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

    /// Maps the caller's effective uid and gid to 0, and all IDs that `/etc/subuid` and
    /// `/etc/subgid` delegate to the caller's user to 1 and the IDs that follow.
    ///
    /// The program is root of a user namespace in which other users exist too, as in a rootless container. Several
    /// delegated ranges follow each other in ascending order. A caller with `CAP_SETUID` and `CAP_SETGID`, such as
    /// root, writes the maps itself; for others newuidmap(1) and newgidmap(1) do. For root, too, the files must
    /// delegate IDs; to map other IDs, use [`uid_map`](Self::uid_map). Needs a new `User` namespace, and excludes the
    /// other setters of maps.
    ///
    /// # Errors
    /// [`Step::UidMap`](crate::Step::UidMap), [`Step::GidMap`](crate::Step::GidMap), also from [`plan`](Self::plan): no
    /// IDs are delegated, and the object contains the missing line; or the delegated IDs are unknown, because a file
    /// cannot be read or nsswitch.conf(5) names another source. Only from a start: the helper is missing, or it failed.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Namespace, Step};
    ///
    /// let mut container = Container::new("cat");
    /// container.arg("/proc/self/uid_map").namespace(Namespace::User).map_auto();
    /// match container.output() {
    ///     Ok(output) => print!("{}", String::from_utf8_lossy(&output.stdout)),
    ///     Err(error) => assert!(matches!(error.step(), Step::UidMap | Step::GidMap)),
    /// }
    /// ```
    ///
    /// # References
    /// subuid(5), subgid(5), newuidmap(1), user_namespaces(7).
    pub fn map_auto(&mut self) -> &mut Self {
        self.maps.auto = true;
        self
    }

    /// Maps the caller's effective uid and gid to themselves in the new user namespace.
    ///
    /// The program keeps the caller's user and group, so files belong to the same user inside and
    /// outside. Unless the caller is uid 0, execve(2) gives the program no capabilities; the mounts
    /// and the other steps before it have them. Needs a new `User` namespace, and excludes the other
    /// setters of maps.
    ///
    /// # Errors
    /// As for [`map_zero`](Self::map_zero).
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// let own = Container::new("id").arg("-u").output()?;
    /// let inside = Container::new("id").arg("-u").namespace(Namespace::User).map_same().output()?;
    /// assert_eq!(inside.stdout, own.stdout);
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// user_namespaces(7), capabilities(7).
    pub fn map_same(&mut self) -> &mut Self {
        self.maps.same = true;
        self
    }

    /// Sets the uid map: which uids of the caller's user namespace have which uid inside.
    ///
    /// By default no uid is mapped. The caller writes the map if it may; otherwise newuidmap(1)
    /// does, with the uids that `/etc/subuid` delegates; [`map_auto`](Self::map_auto) maps all of
    /// these. The program is executed after the map is written. Needs a new `User` namespace.
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

    /// Whether the caller's IDs are mapped to 0, without others.
    pub fn get_map_zero(&self) -> bool {
        self.maps.zero
    }

    /// Whether the caller's IDs are mapped to 0, and the delegated ones to 1 and the IDs that follow.
    pub fn get_map_auto(&self) -> bool {
        self.maps.auto
    }

    /// Whether the caller's IDs are mapped to themselves.
    pub fn get_map_same(&self) -> bool {
        self.maps.same
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
    fn proc(&self) -> &Path {
        self.proc.as_deref().unwrap_or(Path::new(DEFAULT_PROC))
    }

    /// The mount of proc, without an allocation for the default.
    fn owned_proc(&self) -> Cow<'static, Path> {
        self.proc.clone().map_or(Path::new(DEFAULT_PROC).into(), Cow::Owned)
    }
}
