//! Targets of `ns-process`.

mod builder;
mod faulty;
mod fixture;
mod gate_words;
mod hooks;
mod mode;
mod parked_child;
mod payload;
mod release_payload;
mod releaser;
mod report;
mod running;
mod setters;
mod settings;
mod socket_file;
mod start;
mod trace;
mod values;

pub use builder::{Sequence, builder};
pub use parked_child::{Liar, parked_child};
pub use release_payload::{Release, payload};
pub use releaser::{Peers, releaser};
pub use report::{FailingStep, report};
pub use settings::Settings;
pub(crate) use start::become_subreaper;
pub use start::{Start, start};
