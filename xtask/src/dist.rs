//! `space` as it is handed out: one static file, its manual pages and its completions.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::workspace;

pub(crate) fn run() -> Result<Outcome> {
    let program = build()?;
    let folder = program.with_file_name("share");
    let pages = format!("run --quiet -p space --example pages -- {}", folder.display());
    Cmd::cargo(&pages).run()?;
    println!("{}\n{}", program.display(), folder.display());
    Ok(Outcome::Passed)
}

/// The program, without a loader and libraries that would have to be found first.
///
/// The target is named although it is the host: otherwise the flag would reach procedural macros, which
/// cannot be static.
pub(crate) fn build() -> Result<PathBuf> {
    let host = host()?;
    let line = format!("build --quiet --profile dist -p space --target {host}");
    Cmd::cargo(&line).env("RUSTFLAGS", "-C target-feature=+crt-static").run()?;
    let folder = workspace::metadata()?.target_directory.into_std_path_buf();
    Ok(folder.join(host).join("dist/space"))
}

fn host() -> Result<String> {
    let text = Cmd::new("rustc", &["--version", "--verbose"]).read()?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}
