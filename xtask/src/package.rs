//! The crates as they are published, each built from its package.

use anyhow::{Result, ensure};
use xshell::Shell;

use crate::tools::{Outcome, cargo, cargo_cmd, libraries, metadata};

/// The files of every package besides its code.
const FILES: [&str; 4] = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    for krate in libraries(&metadata(sh)?) {
        let name = &krate.name;
        let list =
            cargo_cmd(sh, &format!("package --quiet --allow-dirty --list -p {name}")).read()?;
        for file in FILES {
            ensure!(list.lines().any(|line| line == file), "the package of {name} lacks {file}");
        }
    }
    cargo(sh, "publish --quiet --workspace --dry-run --allow-dirty --target-dir target/package")
}
