//! What compiled filters decide.

mod arguments;
mod default_profile;
mod errors;
mod evaluator;
mod interpreter;
mod kernel;
mod numbers;
mod order;
mod profile;
mod random;
