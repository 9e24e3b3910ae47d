//! User and group id maps.

use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_idmap::{GidMap, Helper, Setgroups, UidMap};

use super::Builder;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Maps {
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

impl Maps {
    pub(crate) fn proc(&self) -> &Path {
        self.proc.as_deref().unwrap_or(Path::new("/proc"))
    }
}
