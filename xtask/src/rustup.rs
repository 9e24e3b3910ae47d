//! Parts of Rust that may be missing, asked of rustup.

use crate::command::Cmd;

/// A machine without network must not hold up the verbs that run without these parts.
const LIMIT: &str = "60";

/// Runs `rustup ARGS`, and whether it succeeded within the limit; what is there already is no work.
pub(crate) fn obtain(args: &[&str]) -> bool {
    let words = [&["--kill-after=5", LIMIT, "rustup"], args].concat();
    Cmd::new("timeout", &words).run().is_ok()
}
