//! `space` as it is handed out: one static file, its manual pages and its completions.

use std::path::PathBuf;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::tools::{Outcome, cargo, metadata};

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    let program = build(sh)?;
    let share = program.with_file_name("share");
    cmd!(sh, "cargo run --quiet -p ns-space --example pages -- {share}").run()?;
    println!("{}\n{}", program.display(), share.display());
    Ok(Outcome::Passed)
}

/// Builds the program without a loader and shared libraries, and returns its path.
///
/// `--target` is passed although it is the host: otherwise the flag would also apply to procedural
/// macros, which cannot be static.
pub(crate) fn build(sh: &Shell) -> Result<PathBuf> {
    let version = cmd!(sh, "rustc --version --verbose").read()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc reports no host")?;
    let _flags = sh.push_env("RUSTFLAGS", "-C target-feature=+crt-static");
    cargo(sh, &format!("build --quiet --profile dist -p ns-space --target {host}"))?;
    let target_directory = metadata(sh)?.target_directory.into_std_path_buf();
    Ok(target_directory.join(host).join("dist/space"))
}
