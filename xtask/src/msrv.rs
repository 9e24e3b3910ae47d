//! The library crates on the oldest Rust they promise.

use anyhow::{Context, Result};
use cargo_metadata::Package;

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::{rustup, workspace};

pub(crate) fn run() -> Result<Outcome> {
    let metadata = workspace::metadata()?;
    let mut skipped = Vec::new();
    for package in workspace::libraries(&metadata) {
        let toolchain = toolchain(package)?;
        if obtain(&toolchain) {
            check(package, &toolchain).run()?;
        } else {
            skipped.push(reason(package, &toolchain));
        }
    }
    Ok(Outcome::unless_skipped(&skipped))
}

fn obtain(toolchain: &str) -> bool {
    Cmd::new("rustup", &["run", toolchain, "rustc", "--version"]).read().is_ok()
        || rustup::obtain(&["toolchain", "install", toolchain, "--profile", "minimal"])
}

fn check(package: &Package, toolchain: &str) -> Cmd {
    let name = package.name.as_str();
    Cmd::new("rustup", &["run", toolchain, "cargo", "check", "--all-features", "--lib", "-p", name])
}

fn reason(package: &Package, toolchain: &str) -> String {
    format!(
        "no Rust {toolchain} here for {}; only clippy's incompatible_msrv stands for it",
        package.name
    )
}

/// The name rustup gives to the newest patch of the promised version.
fn toolchain(package: &Package) -> Result<String> {
    let version = package.rust_version.as_ref().context("a library promises a Rust version")?;
    Ok(format!("{}.{}", version.major, version.minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promise_of_the_manifest_is_checked() {
        let metadata = workspace::metadata().unwrap();
        let package = workspace::libraries(&metadata).next().unwrap();
        let toolchain = toolchain(package).unwrap();
        assert_eq!(toolchain, "1.85");
        let command = check(package, &toolchain).to_string();
        assert!(command.starts_with("rustup run 1.85 cargo check"), "{command}");
        assert!(reason(package, &toolchain).contains(package.name.as_str()));
    }
}
