//! The crates as they are published, each built from its package.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use xshell::Shell;

use crate::tools::{Outcome, cargo, cargo_cmd, libraries, metadata};

/// The files of every package besides its code.
const FILES: [&str; 4] = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

const BUILT: &str = "target/package";

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    let mut unpacked = Vec::new();
    for krate in libraries(&metadata(sh)?) {
        let name = &krate.name;
        let list =
            cargo_cmd(sh, &format!("package --quiet --allow-dirty --list -p {name}")).read()?;
        for file in FILES {
            ensure!(list.lines().any(|line| line == file), "the package of {name} lacks {file}");
        }
        unpacked.push(format!("{name}-{}", krate.version));
    }
    forget(sh, &unpacked)?;
    cargo(sh, &format!("publish --quiet --workspace --dry-run --allow-dirty --target-dir {BUILT}"))
}

/// Removes the packages that an earlier run built and unpacked. cargo takes packages of the same
/// version for the same package, and would build against the old one.
fn forget(sh: &Shell, unpacked: &[String]) -> Result<()> {
    sh.remove_path(BUILT)?;
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo"))).context("no CARGO_HOME")?;
    let sources = home.join("registry/src");
    let registries = if sources.exists() { sh.read_dir(sources)? } else { Vec::new() };
    // The directory of an unpublished package begins with a dash, that of a registry with its name.
    let is_local = |path: &&PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"-"))
    };
    for registry in registries.iter().filter(is_local) {
        for package in unpacked {
            sh.remove_path(registry.join(package))?;
        }
    }
    Ok(())
}
