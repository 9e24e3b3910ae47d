//! Each crate as it would be published, built from its package alone, in the order of dependencies.

use anyhow::{Result, ensure};

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::workspace;

/// What every package has besides its code.
const FILES: [&str; 4] = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

pub(crate) fn run() -> Result<Outcome> {
    let metadata = workspace::metadata()?;
    let names: Vec<_> = workspace::libraries(&metadata).map(|krate| krate.name.as_str()).collect();
    for name in &names {
        let list = Cmd::cargo(&format!("package --quiet --allow-dirty --list -p {name}")).read()?;
        let has = |file: &str| list.lines().any(|line| line == file);
        let lacks: Vec<_> = FILES.into_iter().filter(|file| !has(file)).collect();
        ensure!(lacks.is_empty(), "the package of {name} lacks {}", lacks.join(", "));
    }
    // Together: cargo orders them, and each is built against the packages of those before it.
    let all: Vec<_> = names.iter().map(|name| format!("-p {name}")).collect();
    Cmd::cargo(&format!("package --quiet --allow-dirty {}", all.join(" "))).run()?;
    Ok(Outcome::Passed)
}
