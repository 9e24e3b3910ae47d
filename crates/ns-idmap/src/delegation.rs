//! What newuidmap and newgidmap would write for a user.

use crate::{Gid, Owner, SubIds, Uid};

/// What the administrator has delegated to a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delegation {
    /// Whether the user database has a name for the uid; the helpers refuse others.
    pub has_name: bool,
    /// The user ids that `/etc/subuid` delegates.
    pub sub_uids: SubIds,
    /// The group ids that `/etc/subgid` delegates.
    pub sub_gids: SubIds,
}

impl Delegation {
    /// Reads `/etc/passwd`, `/etc/subuid` and `/etc/subgid`.
    ///
    /// One that cannot be read counts as empty: the helpers, which can read it, have the last word.
    pub fn of(uid: u32) -> Self {
        let owner = Owner::of(uid).unwrap_or_else(|_| Owner::nameless(uid));
        Self {
            has_name: owner.has_name(),
            sub_uids: SubIds::read::<Uid>(&owner).unwrap_or_default(),
            sub_gids: SubIds::read::<Gid>(&owner).unwrap_or_default(),
        }
    }
}
