//! Each crate as it would be published, built from its package alone, in the order of dependencies.

use std::path::PathBuf;
use std::{env, fs};

use anyhow::{Result, ensure};

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::workspace;

/// What every package has besides its code.
const FILES: [&str; 4] = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

const BUILT: &str = "target/packaged";

pub(crate) fn run() -> Result<Outcome> {
    let metadata = workspace::metadata()?;
    let names: Vec<_> = workspace::libraries(&metadata).map(|krate| krate.name.as_str()).collect();
    for name in &names {
        let list = Cmd::cargo(&format!("package --quiet --allow-dirty --list -p {name}")).read()?;
        let has = |file: &str| list.lines().any(|line| line == file);
        let lacks: Vec<_> = FILES.into_iter().filter(|file| !has(file)).collect();
        ensure!(lacks.is_empty(), "the package of {name} lacks {}", lacks.join(", "));
    }
    forget(&names)?;
    // Together: cargo orders them, and each is built against the packages of those before it.
    let all: Vec<_> = names.iter().map(|name| format!("-p {name}")).collect();
    let all = all.join(" ");
    Cmd::cargo(&format!("package --quiet --allow-dirty --target-dir {BUILT} {all}")).run()?;
    Ok(Outcome::Passed)
}

/// Removes what an earlier run built, and unpacked beside the registries: cargo would take a package of the same
/// version for the same one.
fn forget(names: &[&str]) -> Result<()> {
    let built = workspace::root().join(BUILT);
    if built.exists() {
        fs::remove_dir_all(built)?;
    }
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let Some(home) = home.or_else(|| Some(env::home_dir()?.join(".cargo"))) else { return Ok(()) };
    let Ok(registries) = fs::read_dir(home.join("registry/src")) else { return Ok(()) };
    for registry in registries {
        let registry = registry?;
        // A registry has a name; that of `cargo package` is a folder.
        if !registry.file_name().as_encoded_bytes().starts_with(b"-") {
            continue;
        }
        for krate in fs::read_dir(registry.path())? {
            let krate = krate?;
            let name = krate.file_name().to_string_lossy().into_owned();
            if name.rsplit_once('-').is_some_and(|(name, _version)| names.contains(&name)) {
                fs::remove_dir_all(krate.path())?;
            }
        }
    }
    Ok(())
}
