//! Instructions of the code that makes no system call, counted by callgrind: the count does not
//! depend on how busy the machine is.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::tools::{Outcome, cargo, require};

/// More growth than this part is a regression.
const LIMIT: f64 = 0.02;

/// The counts to compare with: the compiler in the first line, then `name: count`.
const BASELINE: &str = "benches/instructions.txt";

const PROGRAM: &str = "target/release/instructions";

/// Counts each body, and fails where a count has grown; with `save`, writes the counts instead.
pub(crate) fn run(sh: &Shell, save: bool) -> Result<Outcome> {
    require(sh, "valgrind --version", "apt-get install valgrind")?;
    cargo(sh, "build --release -p benches --bin instructions")?;
    let mut now = vec![cmd!(sh, "rustc --version").read()?];
    for name in cmd!(sh, "{PROGRAM}").read()?.lines() {
        now.push(format!("{name}: {}", count(sh, name)?));
    }
    let now = now.join("\n") + "\n";
    if save {
        sh.write_file(BASELINE, now)?;
        return Ok(Outcome::Passed);
    }
    compare(&sh.read_file(BASELINE)?, &now)
}

/// Counts while a function of the module `counted` runs, not what prepares it.
fn count(sh: &Shell, name: &str) -> Result<u64> {
    let file = "target/callgrind.out";
    let options = ["--tool=callgrind", "--quiet", "--toggle-collect=*::counted::*"];
    cmd!(sh, "valgrind {options...} --callgrind-out-file={file} {PROGRAM} {name}").run()?;
    let text = sh.read_file(file)?;
    let total = text.lines().find_map(|line| line.strip_prefix("summary: "));
    total.and_then(|total| total.parse().ok()).context("callgrind reported no sum")
}

fn compare(before: &str, now: &str) -> Result<Outcome> {
    let ((compiler, before), (current, now)) = (parse(before)?, parse(now)?);
    let mut grown = Vec::new();
    for (name, count) in now {
        let growth = before.get(name).map(|before| count / before - 1.0);
        let shown = growth.map(|growth| format!(" ({:+.1} %)", growth * 100.0));
        println!("{name}: {count}{}", shown.unwrap_or_default());
        if growth.is_some_and(|growth| growth > LIMIT) {
            grown.push(name);
        }
    }
    if compiler != current {
        return Ok(Outcome::Skipped(format!("{BASELINE} was counted with {compiler}")));
    }
    let percent = LIMIT * 100.0;
    ensure!(grown.is_empty(), "more than {percent} % more instructions: {}", grown.join(", "));
    Ok(Outcome::Passed)
}

fn parse(text: &str) -> Result<(&str, BTreeMap<&str, f64>)> {
    let (compiler, counts) = text.split_once('\n').context("no counts")?;
    let counts = counts.lines().map(|line| {
        let (name, count) = line.split_once(": ").with_context(|| format!("no count: {line}"))?;
        Ok((name, count.parse()?))
    });
    Ok((compiler, counts.collect::<Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_fails_with_the_same_compiler_only() {
        let before = "rustc 1.90\nidmap/parse: 1000\n";
        assert_eq!(compare(before, "rustc 1.90\nidmap/parse: 1019\n").unwrap(), Outcome::Passed);
        assert!(compare(before, "rustc 1.90\nidmap/parse: 1021\n").is_err());
        assert!(compare(before, "rustc 1.90\nidmap/new: 9999\n").is_ok());
        let other = compare(before, "rustc 1.91\nidmap/parse: 2000\n").unwrap();
        assert!(matches!(other, Outcome::Skipped(_)), "{other}");
        assert!(compare("rustc 1.90\nidmap/parse: many\n", before).is_err());
    }
}
