//! The library crates on the oldest Rust they promise.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, Package};

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::{rustup, workspace};

pub(crate) fn run() -> Result<Outcome> {
    let mut skipped = Vec::new();
    for (toolchain, crates) in by_toolchain(&workspace::metadata()?)? {
        if obtain(&toolchain) {
            check(&toolchain, &crates).run()?;
        } else {
            skipped.push(reason(&toolchain));
        }
    }
    Ok(Outcome::unless_skipped(&skipped))
}

/// Together, so that a missing toolchain is asked for only once.
fn by_toolchain(metadata: &Metadata) -> Result<BTreeMap<String, Vec<String>>> {
    let mut crates = BTreeMap::<_, Vec<_>>::new();
    for package in workspace::libraries(metadata) {
        crates.entry(toolchain(package)?).or_default().push(package.name.to_string());
    }
    Ok(crates)
}

/// The name rustup gives to the newest patch of the promised version.
fn toolchain(package: &Package) -> Result<String> {
    let lacking = || format!("{} promises no rust-version", package.name);
    let version = package.rust_version.as_ref().with_context(lacking)?;
    Ok(format!("{}.{}", version.major, version.minor))
}

fn obtain(toolchain: &str) -> bool {
    Cmd::new("rustup", &["run", toolchain, "rustc", "--version"]).read().is_ok()
        || rustup::obtain(&["toolchain", "install", toolchain, "--profile", "minimal"])
}

fn check(toolchain: &str, crates: &[String]) -> Cmd {
    let mut args = vec!["run", toolchain, "cargo", "check", "--all-features", "--lib"];
    args.extend(crates.iter().flat_map(|name| ["-p", name.as_str()]));
    Cmd::new("rustup", &args)
}

fn reason(toolchain: &str) -> String {
    format!("no Rust {toolchain} here; only clippy's incompatible_msrv stands for it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promise_of_the_manifests_is_checked() {
        let crates = by_toolchain(&workspace::metadata().unwrap()).unwrap();
        let command = check("1.85", &crates["1.85"]).to_string();
        assert!(command.starts_with("rustup run 1.85 cargo check"), "{command}");
        assert!(command.contains("-p ns-sys") && command.contains("-p ns-process"), "{command}");
    }

    #[test]
    fn a_library_that_promises_nothing_is_an_error() {
        let mut metadata = workspace::metadata().unwrap();
        for package in &mut metadata.packages {
            package.rust_version = None;
        }
        assert!(by_toolchain(&metadata).is_err());
    }
}
