//! What needs no kernel: forms, errors, lookup, composition, plans. Also run under Miri.

mod algebra;
#[cfg(feature = "std")]
mod delegation;
mod errors;
mod forms;
mod maps;
#[cfg(feature = "std")]
mod plans;
