//! User and group id maps.

use ns_idmap::{GidMap, UidMap};

use super::Builder;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Maps {
    pub(crate) uid: Option<UidMap>,
    pub(crate) gid: Option<GidMap>,
}

impl<Kind> Builder<Kind> {
    /// The caller's effective uid and gid become 0 in the new user namespace.
    ///
    /// Without a map a program in a new user namespace runs as nobody (65534), without capabilities.
    pub fn map_zero(&mut self) -> &mut Self {
        self.maps.uid = Some(UidMap::current());
        self.maps.gid = Some(GidMap::current());
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
}
