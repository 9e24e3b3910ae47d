//! The "must show" lines of the issues at full count, in release mode.

use std::fs;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use cargo_metadata::{Metadata, Target, TargetKind};

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::workspace;

/// One line of an issue.
struct Claim {
    issue: u32,
    text: &'static str,
    /// The words after `cargo`.
    cargo: &'static str,
    /// What the output must contain: a command that ran nothing also ends with 0.
    shows: &'static str,
}

const CLAIMS: &[Claim] = &[
    Claim {
        issue: 2,
        text: "10 000 random CloneArgs against the kernel: 0 disagreements",
        cargo: "test --release -p ns-sys --test clone_oracle -- --nocapture",
        shows: "shown: 10000 random CloneArgs",
    },
    Claim {
        issue: 2,
        text: "the first container: three lines of ps, the shell is pid 1, status 0",
        cargo: "run --quiet -p ns-process --example first_container",
        shows: "status 0",
    },
    Claim {
        issue: 2,
        text: "with 1 GB resident a start takes at most 1.5 times as long as with none",
        cargo: "run --quiet --release -p benches --bin gates -- --only flat",
        shows: "| flat: 1 GB resident / none |",
    },
    Claim {
        issue: 2,
        text: "parents killed in the middle of a start leave no child that waits",
        cargo: "test --release -p ns-process --test orphans -- --nocapture",
        shows: "shown: 500 parents killed",
    },
    Claim {
        issue: 3,
        text: "100 000 random texts and maps against the kernel; 340 extents; 100 through newuidmap",
        cargo: "test --release -p ns-idmap --test kernel -- --nocapture",
        shows: "shown: 100000 random maps: 0 disagreements",
    },
    Claim {
        issue: 3,
        text: "parse, validate and format meet their gates, and placing descriptors (issue 4) its own",
        cargo: "run --quiet --release -p benches --bin gates -- --only map",
        shows: "| map: parse, validate and format 340 extents / loops |",
    },
    Claim {
        issue: 3,
        text: "parse, validate and format within their allocations",
        cargo: "test --release -p ns-idmap --test allocations -- --nocapture",
        shows: "shown: parse, validate and format 340 extents: 2 allocations",
    },
    Claim {
        issue: 4,
        text: "three escape programs: what chroot cannot stop, and the default does",
        cargo: "test --release -p ns-fs --test escape -- --nocapture",
        shows: "pivot, rest closed (default): walk up held, second chroot held",
    },
    Claim {
        issue: 4,
        text: "host mountinfo byte-identical: success, a failure at every call, parents killed",
        cargo: "test --release -p ns-fs --test host_unchanged -- --nocapture",
        shows: "parents killed in the middle",
    },
    Claim {
        issue: 4,
        text: "100 000 random fd maps: simulated result equals wish; 1 000 for real",
        cargo: "test --release -p ns-fs --test fd_moves -- --nocapture",
        shows: "shown: 100000 random descriptor maps simulated",
    },
    Claim {
        issue: 5,
        text: "10 000 starts from 64 threads beside threads that allocate: every status right",
        cargo: "test --release -p ns-process --test stress -- --nocapture",
        shows: "shown: 10000 starts from 64 threads",
    },
    Claim {
        issue: 5,
        text: "parents killed in the middle: the program runs, or nothing does; none with die_with_parent",
        cargo: "test --release -p ns-process --test orphans --test session -- --nocapture",
        shows: "shown: 500 parents killed at 0 to 20 ms, 0 orphans",
    },
    Claim {
        issue: 5,
        text: "each system call of a start fails: a typed error or a start, nothing left behind",
        cargo: "test --release -p ns-process --test faults -- --nocapture",
        shows: "starts with one system call failing, nothing left behind",
    },
    Claim {
        issue: 5,
        text: "every step has a case in which it fails by name",
        cargo: "test --release -p ns-process --test every_step -- --nocapture",
        shows: "steps fail by name here",
    },
    Claim {
        issue: 5,
        text: "programs begin mapped; starts that want the dumpable flag in different ways",
        cargo: "test --release -p ns-process --test maps -- --nocapture",
        shows: "shown: 500 of 500 programs began mapped",
    },
    Claim {
        issue: 5,
        text: "the gates of starts against the raw floor",
        cargo: "run --quiet --release -p benches --bin gates -- --only floor:",
        shows: "| floor: plain / raw floor |",
    },
    Claim {
        issue: 7,
        text: "every row of the gates is met",
        cargo: "run --quiet --release -p benches --bin gates -- target/gates",
        shows: ", 0 missed,",
    },
    Claim {
        issue: 7,
        text: "the plot and the table of the front page come out of one command",
        cargo: "run --quiet --release -p benches --bin scaling -- target/scaling --only memory",
        shows: "target/scaling/memory.svg",
    },
];

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

impl Row {
    fn new(text: String, cargo: &str, shows: &'static str) -> Self {
        let command = Cmd::cargo(cargo).env("NS_PROVE", "1").env("NS_STRICT", "1");
        Self { text, command, shows }
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
    fn a_test_that_a_claim_runs_is_recognised() {
        assert!(CLAIMS[0].cargo.contains(&binary("ns-sys", "clone_oracle")));
    }
}
