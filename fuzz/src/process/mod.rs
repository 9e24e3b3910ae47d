//! Targets of `ns-process`.

mod builder;
mod faulty;
mod report;
mod running;
mod setters;
mod start;
mod wish;

pub use builder::{Sequence, builder};
pub use report::{Failing, report};
pub use start::{Start, start};
pub use wish::Wish;
