//! Delegated IDs: the IDs that `newuidmap(1)` and `newgidmap(1)` write for a user.

mod line;
mod owner;
mod rootless;
mod source;
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
    /// The source that `nsswitch.conf(5)` names for delegated IDs in place of the files, such as `sss`.
    /// The IDs are then unknown.
    pub source: Option<String>,
}

impl Delegation {
    /// Nothing is delegated, and the user has no name.
    pub fn none() -> Self {
        let nothing = || Some(SubIds::default());
        Self { has_name: Some(false), sub_uids: nothing(), sub_gids: nothing(), source: None }
    }

    /// Nothing is known. The plan is the helper for every map that the writer cannot write directly.
    pub const fn unknown() -> Self {
        Self { has_name: None, sub_uids: None, sub_gids: None, source: None }
    }

    /// Reads the delegated IDs of a user from `/etc/passwd`, `/etc/subuid` and `/etc/subgid`.
    ///
    /// A file that does not exist delegates nothing. A file that cannot be read makes its part unknown; without the
    /// names of `/etc/passwd`, both are unknown. If `subid` in `/etc/nsswitch.conf` names another source than the
    /// files, the delegated IDs are unknown.
    pub fn of(uid: u32) -> Self {
        let owner = match Owner::of(uid) {
            Ok(owner) => owner,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Owner::nameless(uid),
            Err(_) => return Self::unknown(),
        };
        let has_name = Some(owner.has_name());
        if let Some(source) = source::other() {
            return Self { has_name, source: Some(source), ..Self::unknown() };
        }
        Self {
            has_name,
            sub_uids: SubIds::read::<Uid>(&owner).ok(),
            sub_gids: SubIds::read::<Gid>(&owner).ok(),
            source: None,
        }
    }
}
