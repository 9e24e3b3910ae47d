//! What is stored of a container between two commands.

mod id;
mod record;
mod status;
mod store;

pub(crate) use record::{Record, View};
pub(crate) use status::Status;
pub(crate) use store::{Entry, Store, replace};
