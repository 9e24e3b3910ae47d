//! What each crate promises, item by item, against what it promised when somebody last looked.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::workspace;

/// With `bless` the snapshots are written; otherwise a difference fails.
pub(crate) fn run(bless: bool) -> Result<Outcome> {
    if Cmd::cargo("public-api --version").read().is_err() {
        return Ok(Outcome::Skipped(
            "cargo-public-api, which needs a nightly, is missing".to_owned(),
        ));
    }
    let mut changed = Vec::new();
    for krate in workspace::libraries(&workspace::metadata()?) {
        let now =
            Cmd::cargo(&format!("public-api --all-features -sss -p {}", krate.name)).read()?;
        let folder = krate.manifest_path.parent().context("a folder")?;
        let snapshot = folder.join("public-api.txt");
        if bless {
            fs::write(&snapshot, now)?;
        } else if report(&fs::read_to_string(&snapshot).unwrap_or_default(), &now) {
            changed.push(krate.name.to_string());
        }
    }
    ensure!(
        changed.is_empty(),
        "changed: {}; if that is meant, run it with --bless",
        changed.join(", ")
    );
    Ok(Outcome::Passed)
}

/// Prints what came and went; whether anything did.
fn report(before: &str, now: &str) -> bool {
    let lacks = |text: &str, line: &str| !text.lines().any(|known| known == line);
    let gone = before.lines().filter(|line| lacks(now, line)).map(|line| format!("- {line}"));
    let new = now.lines().filter(|line| lacks(before, line)).map(|line| format!("+ {line}"));
    let mut any = false;
    for line in gone.chain(new) {
        println!("{line}");
        any = true;
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_seen_either_way() {
        assert!(!report("a\nb\n", "a\nb\n"));
        assert!(report("a\nb\n", "a\n") && report("a\n", "a\nb\n"));
    }
}
