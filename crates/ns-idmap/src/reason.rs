//! Why a map cannot be written.

use thiserror::Error;

use crate::{ComposeError, Numbered, RuleError};

/// Why a writer cannot write a map, and what would help.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Reason {
    /// The map itself is wrong.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The writer's own namespace does not have the outside ids.
    #[error(transparent)]
    Parent(#[from] ComposeError),
    /// An extent lies in two extents of the writer's own map.
    #[error("{0} lies in two extents of the parent's map; cut it there with split_at")]
    Spans(Numbered),
    /// Id 0 of the parent is mapped by a writer without `CAP_SETFCAP` (since Linux 5.12).
    #[error("uid 0 of the parent is mapped, which needs CAP_SETFCAP; keep it, or map another uid")]
    NoSetfcap,
    /// The caller is not dumpable, so the files of its child belong to root. Only a refused write
    /// has this reason; no plan has it, because another thread may change the flag at any time.
    #[error(
        "the process is not dumpable, so its /proc files are root's; call prctl(PR_SET_DUMPABLE, 1) before it is created"
    )]
    NotDumpable,
    /// An unprivileged writer maps his own gid, but `setgroups` shall stay `allow`.
    #[error(
        "setgroups is kept, but without CAP_SETGID one's own gid can be mapped only after deny; use Setgroups::Auto"
    )]
    SetgroupsKept,
    /// Root without the capability that root needs; a helper would not get it either.
    #[error("{0} is missing; keep this capability until the map is written")]
    NoCapability(&'static str),
    /// `newuidmap` and `newgidmap` gain nothing under `no_new_privs`.
    #[error(
        "no_new_privs is set, so newuidmap and newgidmap gain no privilege; map only your own id, or set it later"
    )]
    NoNewPrivs,
    /// The helpers know only users of `/etc/passwd`.
    #[error("uid {0} has no entry in the user database, without which newuidmap refuses; add one")]
    NoName(u32),
    /// No line of the file delegates the ids.
    #[error(
        "{at} goes beyond your own id, and is not delegated; map your own id alone, or add a line for this user to {file}, such as USER:100000:65536"
    )]
    NotDelegated {
        /// The extent.
        at: Numbered,
        /// `/etc/subuid` or `/etc/subgid`.
        file: &'static str,
    },
    /// A direct write was tried that only a helper can do.
    #[error("this map is beyond an unprivileged writer; write it through newuidmap or newgidmap")]
    NeedsHelper,
    /// The file already shows a map.
    #[error("a map has been written already, and it cannot be changed")]
    AlreadyWritten,
    /// Nothing else explains it.
    #[error(
        "the writer must be in the namespace or in its parent, and own it or be privileged there"
    )]
    NotTheParent,
}
