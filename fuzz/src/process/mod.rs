//! Targets of `ns-process`.

mod builder;
mod faulty;
mod hooks;
mod report;
mod running;
mod setters;
mod start;
mod surroundings;
mod trace;
mod way;
mod wish;
mod work;

pub use builder::{Sequence, builder};
pub use report::{Failing, report};
pub(crate) use start::adopt;
pub use start::{Start, start};
pub use wish::Wish;
