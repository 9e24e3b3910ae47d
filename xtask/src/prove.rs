//! The "must show" lines of the issues at full count, in release mode.

mod claims;

use std::fs;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use cargo_metadata::{Metadata, Target, TargetKind};

use claims::CLAIMS;

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::{rustup, workspace};

/// The start of each line with a figure, in tests and examples alike.
const FIGURE: &str = "shown: ";

struct Row {
    text: String,
    command: Cmd,
    shows: &'static str,
}

/// With an issue its claims; without one all claims, and every test with figures besides.
pub(crate) fn run(issue: Option<u32>) -> Result<Outcome> {
    let mut rows = claims(issue);
    if issue.is_none() {
        rows.extend(unclaimed(&workspace::metadata()?));
    }
    ensure!(!rows.is_empty(), "no claims of issue {}", issue.unwrap_or_default());
    prove(&rows)
}

fn prove(rows: &[Row]) -> Result<Outcome> {
    let lines: Vec<(bool, String)> = rows.iter().map(Row::prove).collect();
    println!("\n== summary");
    for (_, line) in &lines {
        println!("{line}");
    }
    let failed = lines.iter().filter(|(holds, _)| !holds).count();
    if failed > 0 {
        bail!("{failed} of {} do not hold", rows.len());
    }
    Ok(Outcome::Passed)
}

fn claims(issue: Option<u32>) -> Vec<Row> {
    let wanted = CLAIMS.iter().filter(|claim| issue.is_none_or(|issue| issue == claim.issue));
    wanted
        .map(|claim| {
            let text = format!("issue {}: {}", claim.issue, claim.text);
            Row::new(text, claim.cargo, claim.shows)
        })
        .collect()
}

/// The test files with figures that no claim runs.
fn unclaimed(metadata: &Metadata) -> Vec<Row> {
    let tests = metadata.packages.iter().flat_map(|package| {
        let tests = package.targets.iter().filter(|target| target.kind == [TargetKind::Test]);
        tests.filter(|test| has_figures(test)).map(|test| binary(&package.name, &test.name))
    });
    tests
        .filter(|binary| !CLAIMS.iter().any(|claim| claim.cargo.contains(binary)))
        .map(|binary| {
            let cargo = format!("test --release {binary} -- --nocapture");
            Row::new(format!("figures of {binary}"), &cargo, FIGURE)
        })
        .collect()
}

fn has_figures(test: &Target) -> bool {
    fs::read_to_string(&test.src_path).is_ok_and(|source| source.contains(FIGURE))
}

/// The words that choose a test binary, as the table of claims writes them.
fn binary(package: &str, test: &str) -> String {
    format!("-p {package} --test {test} ")
}

fn with_variable(command: Cmd, (name, value): (&str, &str)) -> Cmd {
    command.env(name, value)
}

impl Row {
    fn new(text: String, cargo: &str, shows: &'static str) -> Self {
        let is_variable = |word: &&str| word.contains('=') && !word.starts_with('-');
        let words: Vec<&str> = cargo.split(' ').collect();
        let variables = words.iter().take_while(|word| is_variable(word));
        let start = Cmd::cargo(&words[variables.clone().count()..].join(" "));
        let command = variables.filter_map(|word| word.split_once('=')).fold(start, with_variable);
        Self { text, command: command.env("NS_PROVE", "1").env("NS_STRICT", "1"), shows }
    }

    /// Whether it holds, and the line that says so.
    fn prove(&self) -> (bool, String) {
        println!("\n== {}", self.text);
        let start = Instant::now();
        let (holds, verdict) = match self.check() {
            Ok(()) => (true, "holds".to_owned()),
            Err(error) => (false, format!("FAILED: {error:#}")),
        };
        let seconds = start.elapsed().as_secs_f64();
        (holds, format!("{}: {verdict} ({seconds:.1} s)", self.text))
    }

    fn check(&self) -> Result<()> {
        let command = self.command.to_string();
        let target = command.split_once("--target ").and_then(|(_, rest)| rest.split(' ').next());
        if let Some(target) = target {
            ensure!(rustup::obtain(&["target", "add", target]), "no standard library for {target}");
        }
        let output = self.command.run_and_read()?;
        ensure!(output.contains(self.shows), "its output lacks {:?}", self.shows);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(script: &str, shows: &'static str) -> Row {
        Row { text: "claim".to_owned(), command: Cmd::new("sh", &["-c", script]), shows }
    }

    #[test]
    fn a_failing_command_proves_nothing() {
        assert!(
            prove(&[row("echo a figure", "figure"), row("echo a figure; exit 1", "figure")])
                .is_err()
        );
        assert!(prove(&[row("echo a figure", "figure")]).is_ok());
    }

    #[test]
    fn a_command_that_shows_nothing_proves_nothing() {
        assert!(prove(&[row("echo running 0 tests", FIGURE)]).is_err());
    }

    #[test]
    fn an_issue_without_claims_is_an_error() {
        assert!(run(Some(1)).is_err());
        assert_eq!(claims(Some(2)).len(), CLAIMS.iter().filter(|claim| claim.issue == 2).count());
    }

    #[test]
    fn full_counts_are_asked_for() {
        let row = &claims(Some(2))[0];
        let command = row.command.to_string();
        assert!(command.starts_with("NS_PROVE=1 NS_STRICT=1 cargo test --release"), "{command}");
    }

    #[test]
    fn variables_come_before_the_words() {
        let row = Row::new(String::new(), "A=b=c test --x=y", "");
        assert_eq!(row.command.to_string(), "A=b=c NS_PROVE=1 NS_STRICT=1 cargo test --x=y");
    }

    #[test]
    fn a_test_that_a_claim_runs_is_recognised() {
        assert!(CLAIMS[0].cargo.contains(&binary("ns-sys", "clone_oracle")));
    }
}
