//! The library crates compiled for the other processors with an assembly of their own.

use anyhow::Result;

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::{rustup, workspace};

const TARGETS: [&str; 2] = ["aarch64-unknown-linux-gnu", "riscv64gc-unknown-linux-gnu"];

pub(crate) fn run() -> Result<Outcome> {
    let metadata = workspace::metadata()?;
    let mut skipped = Vec::new();
    for target in TARGETS {
        if !rustup::obtain(&["target", "add", target]) {
            skipped.push(format!("no standard library for {target} here"));
            continue;
        }
        for package in workspace::libraries(&metadata) {
            compile(&package.name, target).run()?;
        }
    }
    Ok(Outcome::unless_skipped(&skipped))
}

/// Compiled, not checked, because only code generation reads assembly; and with `link-dead-code`,
/// because an `#[inline]` function that nobody calls generates none otherwise.
fn compile(package: &str, target: &str) -> Cmd {
    Cmd::cargo(&format!("rustc -p {package} --lib --target {target} -- -C link-dead-code"))
}
