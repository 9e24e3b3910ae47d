//! Targets of `ns-process`.

mod builder;
mod faulty;
mod fixture;
mod hooks;
mod mode;
mod payload;
mod report;
mod running;
mod setters;
mod settings;
mod start;
mod trace;
mod values;

pub use builder::{Sequence, builder};
pub use report::{FailingStep, report};
pub use settings::Settings;
pub(crate) use start::become_subreaper;
pub use start::{Start, start};
