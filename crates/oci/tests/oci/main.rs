//! The commands of `ns-oci`, with bundles whose programs are those of the machine.

mod bundle;
mod runtime;

mod cgroups;
mod errors;
mod exec;
mod fields;
mod files;
mod filter;
mod foreground;
mod hooks;
mod killed;
mod lifecycle;
mod many;
mod printed;
mod security;
