//! Who the program is: user, group and supplementary groups.

use std::prelude::rust_2024::*;

use super::Builder;

/// What was asked for; ids are those inside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) groups: Option<Vec<u32>>,
}

impl<Kind> Builder<Kind> {
    /// The user id of the program, inside: real, effective and saved.
    ///
    /// By default it is the caller's, as the new user namespace shows it; where the caller's has no
    /// mapping there and 0 has one, it is 0. An id that a map given here does not hold is refused.
    ///
    /// # Errors
    /// [`Step::Uid`](crate::Step::Uid): `EPERM`, needs `CAP_SETUID`, which a new user namespace gives;
    /// `EINVAL`, no mapping.
    ///
    /// # References
    /// setresuid(2).
    pub fn uid(&mut self, uid: u32) -> &mut Self {
        self.ids.uid = Some(uid);
        self
    }

    /// The group id of the program, inside: as [`uid`](Self::uid).
    ///
    /// # Errors
    /// As for [`uid`](Self::uid), of [`Step::Gid`](crate::Step::Gid).
    ///
    /// # References
    /// setresgid(2).
    pub fn gid(&mut self, gid: u32) -> &mut Self {
        self.ids.gid = Some(gid);
        self
    }

    /// The supplementary groups of the program, inside.
    ///
    /// By default the caller's; none, as with std's `Command`, where a caller who may drop them starts a
    /// program as another user, by [`uid`](Self::uid) or by a map that does not hold the caller's own.
    ///
    /// # Errors
    /// [`Step::Groups`](crate::Step::Groups), `EPERM`: needs `CAP_SETGID`, and a user namespace that does
    /// not deny setgroups, as one does that an unprivileged caller mapped by itself.
    ///
    /// # References
    /// setgroups(2), user_namespaces(7).
    pub fn groups(&mut self, groups: impl IntoIterator<Item = u32>) -> &mut Self {
        self.ids.groups = Some(groups.into_iter().collect());
        self
    }

    /// The user id, if one is set.
    pub fn get_uid(&self) -> Option<u32> {
        self.ids.uid
    }

    /// The group id, if one is set.
    pub fn get_gid(&self) -> Option<u32> {
        self.ids.gid
    }

    /// The supplementary groups, if they are set.
    pub fn get_groups(&self) -> Option<&[u32]> {
        self.ids.groups.as_deref()
    }
}
