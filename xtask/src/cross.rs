//! The library crates compiled for the other processors that have assembly of their own.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::tools::{Outcome, libraries, metadata, rustup};

const TARGETS: [&str; 2] = ["aarch64-unknown-linux-gnu", "riscv64gc-unknown-linux-gnu"];

/// Compiles rather than checks, because only code generation reads assembly, and with
/// `link-dead-code`, because otherwise an `#[inline]` function without callers generates no code.
pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    let metadata = metadata(sh)?;
    let crates: Vec<_> =
        libraries(&metadata).flat_map(|krate| ["-p", krate.name.as_str()]).collect();
    let mut skipped = Vec::new();
    for target in TARGETS {
        let crates = &crates;
        if !rustup(sh, &format!("target add {target}")) {
            skipped.push(format!("no standard library for {target} here"));
            continue;
        }
        let _flags = sh.push_env("RUSTFLAGS", "-C link-dead-code");
        cmd!(sh, "cargo build --lib --target {target} {crates...}").run()?;
    }
    Ok(Outcome::unless_skipped(&skipped))
}
