//! Everything that CI runs.

use std::env;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::{bench, cross, examples, features, fuzz, gates, layers, msrv, package, rows, tidy};

struct Step {
    name: &'static str,
    action: Action,
}

enum Action {
    Command(Cmd),
    Verb(fn() -> Result<Outcome>),
}

struct Report {
    name: &'static str,
    verdict: String,
    time: Duration,
}

/// What is quick and fails most often comes first, but no verb is believed before its own tests.
fn steps(strict: bool) -> Vec<Step> {
    vec![
        command("fmt", Cmd::cargo("fmt --all --check")),
        command("verbs", Cmd::cargo("test --quiet -p xtask")),
        verb("tidy", tidy::run),
        verb("rows", rows::run),
        verb("layers", layers::run),
        verb("features", features::run),
        command("clippy", Cmd::cargo("clippy --workspace --all-targets -- -D warnings")),
        command("doc", Cmd::cargo("doc --workspace --no-deps").env("RUSTDOCFLAGS", "-D warnings")),
        command("test", test(strict)),
        command("shims", Cmd::cargo("clippy -p fuzz --bins --features shims -- -D warnings")),
        verb("fuzz", fuzz::in_passing),
        verb("examples", examples::run),
        verb("package", package::run),
        command("benches", bench::bodies()),
        command("gates", gates::robust()),
        verb("msrv", msrv::run),
        verb("cross", cross::run),
    ]
}

/// `--show-output` keeps the figures of a passed test together, below the list of results. The
/// verbs are left out because what their tests print looks like this log.
fn test(strict: bool) -> Cmd {
    let test = Cmd::cargo("test --workspace --exclude xtask --no-fail-fast -- --show-output");
    if strict { test.env("NS_STRICT", "1") } else { test }
}

fn command(name: &'static str, command: Cmd) -> Step {
    Step { name, action: Action::Command(command) }
}

fn verb(name: &'static str, verb: fn() -> Result<Outcome>) -> Step {
    Step { name, action: Action::Verb(verb) }
}

pub(crate) fn run() -> Result<Outcome> {
    let mut reports = Vec::new();
    let result = run_all(&steps(env::var_os("CI").is_some()), &mut reports);
    println!("\n== summary");
    for report in &reports {
        println!("{}", report.line());
    }
    result.map(|()| Outcome::Passed)
}

/// Stops at the first failure; the reports tell how far it came.
fn run_all(steps: &[Step], reports: &mut Vec<Report>) -> Result<()> {
    for (index, step) in steps.iter().enumerate() {
        println!("\n== {}/{} {}", index + 1, steps.len(), step.name);
        let start = Instant::now();
        let result = step.run();
        let verdict = result.as_ref().map_or_else(|_| "FAILED".to_owned(), ToString::to_string);
        reports.push(Report { name: step.name, verdict, time: start.elapsed() });
        if let Err(error) = result {
            bail!("{error:#}\nto repeat this step: {}", step.repeat());
        }
    }
    Ok(())
}

impl Step {
    fn run(&self) -> Result<Outcome> {
        match &self.action {
            Action::Command(command) => command.run().map(|()| Outcome::Passed),
            Action::Verb(verb) => verb(),
        }
    }

    fn repeat(&self) -> String {
        match &self.action {
            Action::Command(command) => command.to_string(),
            Action::Verb(_) => format!("cargo xtask {}", self.name),
        }
    }
}

impl Report {
    fn line(&self) -> String {
        format!("{:<9}{:>7.1} s  {}", self.name, self.time.as_secs_f64(), self.verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(steps: &[Step]) -> (Result<()>, Vec<String>) {
        let mut reports = Vec::new();
        let result = run_all(steps, &mut reports);
        let short = |report: Report| format!("{} {}", report.name, report.verdict);
        (result, reports.into_iter().map(short).collect())
    }

    #[test]
    fn the_first_failure_ends_it_and_says_how_to_repeat() {
        let fails = command("clippy", Cmd::new("sh", &["-c", "exit 7"]));
        let (result, lines) =
            lines(&[verb("tidy", || Ok(Outcome::Passed)), fails, verb("never", || bail!("ran"))]);
        let error = result.unwrap_err().to_string();
        assert!(error.ends_with("to repeat this step: sh -c 'exit 7'"), "{error}");
        assert_eq!(lines, ["tidy ok", "clippy FAILED"]);
    }

    #[test]
    fn a_failing_verb_fails_it() {
        let (result, lines) = lines(&[verb("layers", || bail!("a bad edge"))]);
        let error = result.unwrap_err().to_string();
        assert_eq!(error, "a bad edge\nto repeat this step: cargo xtask layers");
        assert_eq!(lines, ["layers FAILED"]);
    }

    #[test]
    fn what_was_skipped_stands_in_the_summary() {
        let (result, lines) =
            lines(&[verb("cross", || Ok(Outcome::Skipped("no target".to_owned())))]);
        assert!(result.is_ok());
        assert_eq!(lines, ["cross skipped: no target"]);
    }

    #[test]
    fn ci_is_strict_about_skipped_tests() {
        assert!(test(true).to_string().starts_with("NS_STRICT=1 cargo test --workspace"));
        assert!(test(false).to_string().starts_with("cargo test --workspace"));
    }
}
