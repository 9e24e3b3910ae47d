//! The fence: everything that runs between clone and exec, in the caller's memory.
//!
//! Nothing here allocates, locks, panics, unwinds, or touches a thread-local: for all that std and
//! libc can tell, this is the thread that called clone3. A [`Guest`], who may do all that, comes in
//! only with memory of the child's own. What the child needs stands in the [`ChildPlan`];
//! what went wrong goes into its words. `std` is out of reach but for visible imports.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod child_plan;
mod decimal;
mod descriptors;
mod dispositions;
mod entry;
mod exec_lock;
mod exec_name;
mod executed;
mod follow;
mod guest;
mod here;
mod ids;
mod init;
mod join;
mod limits;
mod middle;
mod names;
mod namespaces;
mod own_dumpable;
mod privileges;
mod program;
mod root;
mod session;
mod steps;
mod time;
mod usual;
mod wait_for_go;
mod words;

pub(crate) use child_plan::{ChildPlan, Watch};
#[cfg(test)]
pub(crate) use decimal::Decimal;
pub(crate) use dispositions::Dispositions;
pub(crate) use entry::{clone, go_on};
pub(crate) use exec_lock::ExecLock;
pub(crate) use follow::Follow;
pub(crate) use guest::{Ended, Guest, Moment};
pub(crate) use ids::Ids;
pub(crate) use init::{Init, SIGCHLD, STATUS};
pub(crate) use join::{ALL_AT_ONCE, Join, enter};
pub(crate) use limits::{Limit, Limits};
pub(crate) use middle::{MiddlePlan, clone_through, go_through_fork};
pub(crate) use names::Names;
pub(crate) use privileges::{Capabilities, Privileges};
pub(crate) use root::{PROC, Root};
pub(crate) use session::Session;
pub(crate) use usual::Unmapped;
pub(crate) use words::{ABORT, GO, Report, Words, has_left};
