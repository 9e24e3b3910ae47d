//! Instructions of the parts that make no system call, which callgrind counts: the same on a busy
//! machine as on a quiet one.

mod baseline;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::workspace;
use baseline::Baseline;

/// Growth that is told as a regression.
const LIMIT: f64 = 0.02;

/// Counts each body, and fails where one has grown against the counts that were checked in; with
/// `save` those are written anew.
pub(crate) fn run(save: bool) -> Result<Outcome> {
    let installed = Cmd::new("valgrind", &["--version"]).read().is_ok();
    ensure!(installed, "valgrind is missing; Debian's package has that name");
    Cmd::cargo("build --release -p benches --bin instructions").run()?;
    let counts = names()?.into_iter().map(|name| Ok((name.clone(), count(&name)?)));
    let counts: BTreeMap<String, u64> = counts.collect::<Result<_>>()?;
    let compiler = Cmd::new("rustc", &["--version"]).read()?.trim().to_owned();
    let now = Baseline { compiler, counts };
    if save {
        now.save()?;
        return Ok(Outcome::Passed);
    }
    compare(&Baseline::load()?, &now)
}

fn names() -> Result<Vec<String>> {
    let list = Cmd::new(&program(), &[]).read()?;
    Ok(list.lines().map(ToOwned::to_owned).collect())
}

fn program() -> String {
    workspace::root().join("target/release/instructions").display().to_string()
}

/// What lies between the two marks of the program, and nothing of its start.
fn count(name: &str) -> Result<u64> {
    let file = workspace::root().join("target/callgrind.out");
    let out = format!("--callgrind-out-file={}", file.display());
    let options = ["--tool=callgrind", "--quiet", "--toggle-collect=*::counted::*", &out];
    Cmd::new("valgrind", &[&options[..], &[&program(), name]].concat()).run()?;
    let text = fs::read_to_string(&file)?;
    let total = text.lines().find_map(|line| line.strip_prefix("summary: "));
    total.and_then(|total| total.parse().ok()).context("callgrind told no sum")
}

fn compare(before: &Baseline, now: &Baseline) -> Result<Outcome> {
    let mut grown = Vec::new();
    for (name, count) in &now.counts {
        let change = before.change(name, *count);
        println!(
            "{name}: {count}{}",
            change.map_or(String::new(), |by| format!(" ({by:+.1} %)", by = by * 100.0))
        );
        if change.is_some_and(|by| by > LIMIT) {
            grown.push(name.as_str());
        }
    }
    if before.compiler != now.compiler {
        let reason = format!("the counts that were checked in are of {}", before.compiler);
        return Ok(Outcome::Skipped(reason));
    }
    if !grown.is_empty() {
        bail!("more than {:.0} % slower: {}", LIMIT * 100.0, grown.join(", "));
    }
    Ok(Outcome::Passed)
}
