//! The public API of each crate, compared with the snapshot in its directory.

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::tools::{Outcome, cargo_cmd, libraries, metadata, succeeds};

/// With `bless` the snapshots are written; otherwise a difference fails.
pub(crate) fn run(sh: &Shell, bless: bool) -> Result<Outcome> {
    if !succeeds(sh, "cargo public-api --version") {
        let reason = "no cargo-public-api, which needs a nightly: cargo install cargo-public-api";
        return Ok(Outcome::Skipped(reason.to_owned()));
    }
    let mut changed = Vec::new();
    for krate in libraries(&metadata(sh)?) {
        let name = krate.name.as_str();
        let api = cargo_cmd(sh, &format!("public-api --all-features -sss -p {name}")).read()?;
        let snapshot = krate.manifest_path.parent().context("no directory")?.join("public-api.txt");
        if bless {
            sh.write_file(&snapshot, api + "\n")?;
            continue;
        }
        let now = format!("target/public-api/{name}.txt");
        sh.write_file(&now, api + "\n")?;
        if cmd!(sh, "git --no-pager diff --no-index {snapshot} {now}").run().is_err() {
            changed.push(name.to_owned());
        }
    }
    ensure!(changed.is_empty(), "changed: {}; --bless accepts it", changed.join(", "));
    Ok(Outcome::Passed)
}
