//! Long runs: the tests at full counts in release mode, the soak, and all gates.

use std::time::Instant;

use anyhow::{Result, bail, ensure};
use xshell::Shell;

use crate::tools::{Outcome, run_and_read};

/// Tests with this variable run at their full count.
const FULL_COUNT: &str = "NS_STRESS";

/// Name and command; its words are separated by spaces.
const RUNS: &[(&str, &str)] = &[
    ("sys", "cargo test --release -p ns-sys --tests"),
    ("idmap", "cargo test --release -p ns-idmap --tests"),
    ("fs", "cargo test --release -p ns-fs --tests"),
    ("process", "cargo test --release -p ns-process --features tokio --tests"),
    ("oci", "cargo test --release -p ns-oci --test oci"),
    ("fuzz-bodies", "cargo test --release -p fuzz --test bodies"),
    // Many starts while other threads hold the locks of the allocator: with a single arena, and
    // with musl, whose allocator has one lock.
    (
        "one-arena",
        "env GLIBC_TUNABLES=glibc.malloc.arena_max=1 \
         cargo test --release -p ns-process --tests b11_starts",
    ),
    (
        "musl",
        "cargo test --release --target x86_64-unknown-linux-musl -p ns-process --tests b11_starts",
    ),
    ("fuzz-coverage", "cargo xtask fuzz idmap --coverage --at-least 95"),
    ("soak", "cargo xtask soak --minutes 20"),
    ("gates", "cargo xtask gates"),
    (
        "scaling",
        "cargo run --quiet --release -p benches --bin scaling -- target/scaling --only memory",
    ),
];

/// Tests run one by one, so that attacks and time limits meet an idle machine.
const TEST_OPTIONS: &str = "-- --nocapture --test-threads=1";

/// Runs everything, or the run `name` with the tests whose name contains `filter`.
pub(crate) fn run(sh: &Shell, name: Option<&str>, filter: Option<&str>) -> Result<Outcome> {
    let chosen = RUNS.iter().filter(|run| name.is_none_or(|name| name == run.0));
    let mut results = Vec::new();
    for (name, command) in chosen {
        println!("\n== {name}");
        let start = Instant::now();
        let result = run_one(sh, command, filter);
        results.push((name, result, start.elapsed().as_secs_f64()));
    }
    if results.is_empty() {
        let names: Vec<_> = RUNS.iter().map(|run| run.0).collect();
        bail!("no such run; there are {}", names.join(", "));
    }
    println!("\n== summary");
    for (name, result, seconds) in &results {
        let verdict =
            result.as_ref().map_or_else(|error| format!("{error:#}"), |()| "ok".to_owned());
        println!("{name:<14}{seconds:>8.1} s  {verdict}");
    }
    let failed = results.iter().filter(|(_, result, _)| result.is_err()).count();
    ensure!(failed == 0, "{failed} of {} failed", results.len());
    Ok(Outcome::Passed)
}

fn run_one(sh: &Shell, command: &str, filter: Option<&str>) -> Result<()> {
    let is_test = command.contains("cargo test");
    ensure!(is_test || filter.is_none(), "only tests have a filter");
    let options = if is_test { TEST_OPTIONS } else { "" };
    let mut words = command.split_whitespace().chain(options.split_whitespace()).chain(filter);
    let command = sh.cmd(words.next().unwrap_or_default()).args(words);
    let output = run_and_read(command.env(FULL_COUNT, "1").env("NS_STRICT", "1"))?;
    ensure!(!is_test || passed(&output) > 0, "no test ran");
    Ok(())
}

/// How many tests passed: a filter that no test matches is no success.
fn passed(output: &str) -> u32 {
    let results = output.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    results.filter_map(|rest| rest.split(' ').next()?.parse::<u32>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::{shell, succeeds};

    #[test]
    fn a_run_without_tests_fails() {
        let result = |count| format!("running {count} tests\ntest result: ok. {count} passed; 0\n");
        assert_eq!(passed(&result(0)), 0);
        assert_eq!(passed(&(result(0) + &result(12))), 12);
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        assert!(run(&shell().unwrap(), Some("nothing"), None).is_err());
    }

    #[test]
    fn the_tests_read_the_variable() {
        let sh = shell().unwrap();
        for directory in
            ["crates/ns-idmap/tests", "crates/ns-fs/tests", "crates/ns-process/tests", "fuzz/tests"]
        {
            let grep = format!("git -c safe.directory=* grep -q {FULL_COUNT} -- {directory}");
            assert!(succeeds(&sh, &grep), "{directory} ignores {FULL_COUNT}");
        }
    }
}
