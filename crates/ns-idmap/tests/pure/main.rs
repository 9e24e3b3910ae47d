//! Tests without system calls: forms, errors, lookup, composition, plans. They also run under Miri.

mod algebra;
#[cfg(feature = "std")]
mod delegation;
mod errors;
mod forms;
mod maps;
#[cfg(feature = "std")]
mod plans;
#[cfg(feature = "std")]
mod rootless;
