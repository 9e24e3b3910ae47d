//! User and group id maps.

use ns_idmap::{GidMap, UidMap};

use super::Builder;

impl<Kind> Builder<Kind> {
    /// The caller's effective uid and gid become 0 in the new user namespace.
    ///
    /// Without a map a program in a new user namespace runs as nobody (65534), without capabilities.
    pub fn map_zero(&mut self) -> &mut Self {
        self.uid_map = Some(UidMap::current());
        self.gid_map = Some(GidMap::current());
        self
    }

    /// The uid map, if one is set.
    pub fn get_uid_map(&self) -> Option<&UidMap> {
        self.uid_map.as_ref()
    }

    /// The gid map, if one is set.
    pub fn get_gid_map(&self) -> Option<&GidMap> {
        self.gid_map.as_ref()
    }
}
