//! The published crates with each of their features, and with the oldest Rust they support.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use xshell::Shell;

use crate::tools::{Outcome, cargo, libraries, metadata, rustup, succeeds};

/// Clippy rather than check: it fails on warnings and still shares compiled dependencies with the
/// other checks.
pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    if let Some(skipped) = no_cargo_hack(sh) {
        return Ok(skipped);
    }
    cargo(
        sh,
        "hack clippy --quiet --workspace --ignore-private --each-feature --lib -- -D warnings",
    )
}

pub(crate) fn msrv(sh: &Shell) -> Result<Outcome> {
    if let Some(skipped) = no_cargo_hack(sh) {
        return Ok(skipped);
    }
    for version in promised_versions(sh)? {
        if !succeeds(sh, &format!("rustup run {version} rustc --version"))
            && !rustup(sh, &format!("toolchain install {version} --profile minimal"))
        {
            return Ok(Outcome::Skipped(format!("Rust {version} cannot be installed here")));
        }
    }
    cargo(sh, "hack check --workspace --ignore-private --rust-version --all-features --lib")
}

fn no_cargo_hack(sh: &Shell) -> Option<Outcome> {
    let is_missing = !succeeds(sh, "cargo hack --version");
    is_missing.then(|| Outcome::Skipped("no cargo-hack: cargo install cargo-hack".to_owned()))
}

/// The `rust-version` of each crate, as rustup names the toolchain.
fn promised_versions(sh: &Shell) -> Result<Vec<String>> {
    let versions = libraries(&metadata(sh)?)
        .map(|package| {
            let version = package.rust_version.as_ref();
            let version =
                version.with_context(|| format!("{} has no rust-version", package.name))?;
            Ok(format!("{}.{}", version.major, version.minor))
        })
        .collect::<Result<BTreeSet<_>>>()?;
    Ok(versions.into_iter().collect())
}
