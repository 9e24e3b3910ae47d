//! Delegated IDs: the IDs that `newuidmap(1)` and `newgidmap(1)` write for a user.

mod owner;
mod subid;

pub use owner::Owner;
pub use subid::{NotEnough, SubIds};

use crate::{Gid, Uid};

/// The IDs that are delegated to a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delegation {
    /// Whether the user database has a name for the user ID. Without one, the helpers refuse.
    pub has_name: bool,
    /// The user IDs that `/etc/subuid` delegates.
    pub sub_uids: SubIds,
    /// The group IDs that `/etc/subgid` delegates.
    pub sub_gids: SubIds,
}

impl Delegation {
    /// Reads the delegated IDs of a user from `/etc/passwd`, `/etc/subuid` and `/etc/subgid`.
    ///
    /// A file that cannot be read counts as empty. The helpers can read it, and decide in the end.
    pub fn of(uid: u32) -> Self {
        let owner = Owner::of(uid).unwrap_or_else(|_| Owner::nameless(uid));
        Self {
            has_name: owner.has_name(),
            sub_uids: SubIds::read::<Uid>(&owner).unwrap_or_default(),
            sub_gids: SubIds::read::<Gid>(&owner).unwrap_or_default(),
        }
    }
}
