//! Delegated IDs: the IDs that `newuidmap(1)` and `newgidmap(1)` write for a user.

mod line;
mod owner;
mod subid;

use std::io;

pub use line::SkippedLine;
pub use owner::Owner;
pub use subid::{NotEnough, SubIds};

use crate::{Gid, Uid};

/// The IDs that are delegated to a user, as far as they are known.
///
/// What is unknown is left to the helper: the plan is then
/// [`WritePlan::Helper`](crate::WritePlan::Helper), and the helper may refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delegation {
    /// Whether the user database has a name for the user ID. Without one, the helpers refuse. `None` if
    /// it is unknown.
    pub has_name: Option<bool>,
    /// The user IDs that `/etc/subuid` delegates; `None` if they are unknown.
    pub sub_uids: Option<SubIds>,
    /// The group IDs that `/etc/subgid` delegates; `None` if they are unknown.
    pub sub_gids: Option<SubIds>,
}

impl Delegation {
    /// Nothing is delegated, and the user has no name.
    pub fn none() -> Self {
        let nothing = || Some(SubIds::default());
        Self { has_name: Some(false), sub_uids: nothing(), sub_gids: nothing() }
    }

    /// Nothing is known. The plan is the helper for every map that the writer cannot write directly.
    pub const fn unknown() -> Self {
        Self { has_name: None, sub_uids: None, sub_gids: None }
    }

    /// Reads the delegated IDs of a user from `/etc/passwd`, `/etc/subuid` and `/etc/subgid`.
    ///
    /// A file that does not exist delegates nothing. A file that cannot be read makes its part unknown;
    /// without the names of `/etc/passwd`, all is unknown.
    pub fn of(uid: u32) -> Self {
        let owner = match Owner::of(uid) {
            Ok(owner) => owner,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Owner::nameless(uid),
            Err(_) => return Self::unknown(),
        };
        Self {
            has_name: Some(owner.has_name()),
            sub_uids: SubIds::read::<Uid>(&owner).ok(),
            sub_gids: SubIds::read::<Gid>(&owner).ok(),
        }
    }
}
