//! Why a writer cannot write a map.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::{ComposeError, Gid, IdKind, Numbered, RuleError, SubIds};

/// Why a writer cannot write a map. The message says what would help.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Reason {
    /// The map breaks a rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The writer's user namespace does not map the outside IDs.
    #[error(transparent)]
    Parent(#[from] ComposeError),
    /// An extent lies in two extents of the map of the writer's user namespace.
    #[error("{0} lies in two extents of the parent's map; split it with split_at")]
    Spans(Numbered),
    /// The map has ID 0 of the parent, and the writer has no `CAP_SETFCAP` (since Linux 5.12).
    #[error("mapping user ID 0 of the parent needs CAP_SETFCAP; keep it, or map another user ID")]
    NoSetfcap,
    /// The caller is not dumpable, so root owns the `/proc` files of its child.
    ///
    /// Only a refused write has this reason. A plan never has it, because another thread may change
    /// the "dumpable" attribute at any time.
    #[error(
        "the caller is not dumpable, so root owns the /proc files of its child; call prctl(PR_SET_DUMPABLE, 1) before the child is created"
    )]
    NotDumpable,
    /// An unprivileged writer maps its own group ID, but `setgroups` is to stay `allow`.
    #[error(
        "without CAP_SETGID, the caller's group ID can be mapped only after \"deny\" is written to setgroups; use Setgroups::Auto"
    )]
    SetgroupsKept,
    /// The writer is root but lacks the named capability. No helper is used for root.
    #[error("{0} is missing; keep this capability until the map is written")]
    NoCapability(&'static str),
    /// `no_new_privs` is set, so `newuidmap` and `newgidmap` gain no privilege.
    #[error(
        "no_new_privs is set, so newuidmap and newgidmap gain no privilege; map the caller's ID alone, or set no_new_privs later"
    )]
    NoNewPrivs,
    /// `newuidmap` or `newgidmap` gains no privilege: it is neither setuid root nor has file
    /// capabilities, or its mount is `nosuid`. Only an error of a write has this reason.
    #[error(
        "{} gains no privilege; make it setuid root, on a mount without nosuid", program.display()
    )]
    UnprivilegedHelper {
        /// The path of the helper.
        program: PathBuf,
    },
    /// The user ID has no name in the user database, so `newuidmap` and `newgidmap` refuse it.
    #[error("user ID {0} has no entry in the user database, so newuidmap refuses it; add an entry")]
    NoName(u32),
    /// The IDs are neither the writer's own ID nor delegated to the writer.
    #[error("{at}: only the caller's {} {own_id} {}", kind(file), delegated_ids(file, delegated))]
    NotDelegated {
        /// The extent.
        at: Numbered,
        /// `/etc/subuid` or `/etc/subgid`.
        file: &'static str,
        /// The writer's effective user or group ID.
        own_id: u32,
        /// The IDs that the file delegates to the writer.
        delegated: Box<SubIds>,
    },
    /// The file of delegated IDs cannot be read, so the helper alone decides. It refused the map.
    #[error(
        "{file} cannot be read ({}), so the IDs that it delegates to the caller are unknown; ask root for them",
        io::Error::from_raw_os_error(*errno)
    )]
    UnknownDelegation {
        /// `/etc/subuid` or `/etc/subgid`.
        file: &'static str,
        /// The errno, such as `EACCES`.
        errno: i32,
    },
    /// The map was written directly, but only a helper can write it.
    #[error(
        "a direct write of this map needs CAP_SETUID or CAP_SETGID; use write_by, which runs newuidmap or newgidmap"
    )]
    NeedsHelper,
    /// The namespace already has a map.
    #[error("a map has been written already, and it cannot be changed")]
    AlreadyWritten,
    /// The error is `EPERM`, and none of the other reasons applies.
    #[error(
        "the writer must be in the user namespace or its parent, and must own the namespace or have CAP_SYS_ADMIN in it"
    )]
    NotTheParent,
}

/// The number of ranges that a message lists.
const LISTED: usize = 4;

/// The kind of ID that the file delegates.
fn kind(file: &str) -> &'static str {
    if file == Gid::DELEGATION { "group ID" } else { "user ID" }
}

/// What the file delegates, and what would help.
fn delegated_ids(file: &str, ids: &SubIds) -> String {
    let mut ranges: Vec<String> =
        ids.ranges().take(LISTED).map(|(first, count)| format!("{first}:{count}")).collect();
    if ids.ranges().len() > LISTED {
        ranges.push("...".into());
    }
    let skipped = ids.skipped().map_or_else(String::new, |line| format!("; {file}, {line}"));
    if ranges.is_empty() {
        format!(
            "can be mapped, because {file} delegates no IDs to the caller; map this ID alone, or ask root to add a line such as USER:100000:65536 to {file}{skipped}"
        )
    } else {
        let ranges = ranges.join(", ");
        format!(
            "and the IDs that {file} delegates to the caller, {ranges}, can be mapped; use these IDs{skipped}"
        )
    }
}
