//! Everything that CI runs.

use std::env;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use xshell::Shell;

use crate::tools::{FEATURES, Outcome, cargo, cargo_cmd};
use crate::{bench, cross, examples, features, fuzz, layers, package, tidy};

struct Step {
    name: &'static str,
    run: fn(&Shell) -> Result<Outcome>,
}

struct Report {
    name: &'static str,
    verdict: String,
    time: Duration,
}

/// Quick checks that fail often come first, after the tests of the checks themselves.
const STEPS: &[Step] = &[
    Step { name: "fmt", run: |sh| cargo(sh, "fmt --all --check") },
    Step { name: "xtask", run: |sh| cargo(sh, "test --quiet -p xtask") },
    Step { name: "tidy", run: tidy::run },
    Step { name: "layers", run: layers::run },
    Step { name: "features", run: features::run },
    Step { name: "clippy", run: clippy },
    Step { name: "doc", run: doc },
    Step { name: "test", run: test },
    Step {
        name: "shims",
        run: |sh| cargo(sh, "clippy -p fuzz --bins --features shims -- --deny warnings"),
    },
    Step { name: "fuzz", run: fuzz::briefly },
    Step { name: "examples", run: examples::run },
    Step { name: "package", run: package::run },
    Step { name: "benches", run: bench::bodies },
    Step { name: "gates", run: bench::robust_gates },
    Step { name: "msrv", run: features::msrv },
    Step { name: "cross", run: cross::run },
];

fn clippy(sh: &Shell) -> Result<Outcome> {
    cargo(sh, &format!("clippy --workspace --all-targets {FEATURES} -- --deny warnings"))
}

fn doc(sh: &Shell) -> Result<Outcome> {
    let _flags = sh.push_env("RUSTDOCFLAGS", "--deny warnings");
    cargo(sh, &format!("doc --workspace --no-deps {FEATURES}"))
}

/// In CI a test that the machine does not allow fails. `--show-output` prints the figures of tests
/// that pass below the list of results. The tests of xtask ran before: what they print looks like
/// this log.
fn test(sh: &Shell) -> Result<Outcome> {
    let test =
        format!("test --workspace --exclude xtask {FEATURES} --no-fail-fast -- --show-output");
    let test = cargo_cmd(sh, &test);
    let strict = env::var_os("CI").map(|_| ("NS_STRICT", "1"));
    test.envs(strict).run()?;
    Ok(Outcome::Passed)
}

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    let mut reports = Vec::new();
    let result = run_all(sh, STEPS, &mut reports);
    println!("\n== summary");
    for Report { name, verdict, time } in &reports {
        println!("{name:<9}{:>7.1} s  {verdict}", time.as_secs_f64());
    }
    result.map(|()| Outcome::Passed)
}

/// Stops at the first failure.
fn run_all(sh: &Shell, steps: &[Step], reports: &mut Vec<Report>) -> Result<()> {
    for (index, Step { name, run }) in steps.iter().enumerate() {
        println!("\n== {}/{} {name}", index + 1, steps.len());
        let start = Instant::now();
        let result = run(sh);
        let verdict = result.as_ref().map_or_else(|_| "FAILED".to_owned(), ToString::to_string);
        reports.push(Report { name, verdict, time: start.elapsed() });
        if let Err(error) = result {
            bail!("step {name}: {error:#}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::shell;

    fn lines(steps: &[Step]) -> (Result<()>, Vec<String>) {
        let mut reports = Vec::new();
        let result = run_all(&shell().unwrap(), steps, &mut reports);
        let line = |report: Report| format!("{} {}", report.name, report.verdict);
        (result, reports.into_iter().map(line).collect())
    }

    #[test]
    fn the_first_failure_stops_the_run() {
        let (result, lines) = lines(&[
            Step { name: "first", run: |_| Ok(Outcome::Passed) },
            Step { name: "second", run: |sh| Ok(sh.cmd("false").run().map(|()| Outcome::Passed)?) },
            Step { name: "third", run: |_| bail!("ran") },
        ]);
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with("step second: ") && error.contains("`false`"), "{error}");
        assert_eq!(lines, ["first ok", "second FAILED"]);
    }

    #[test]
    fn a_skipped_step_is_in_the_summary() {
        let (result, lines) =
            lines(&[Step { name: "cross", run: |_| Ok(Outcome::Skipped("no target".to_owned())) }]);
        assert!(result.is_ok());
        assert_eq!(lines, ["cross skipped: no target"]);
    }
}
