//! What `space` costs as a command, against the commands that people use: hyperfine(1), in rounds.

use std::env::consts::ARCH;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::command::Cmd;
use crate::dist;
use crate::outcome::Outcome;

/// What else runs on the machine changes between rounds, and much less within one.
const ROUNDS: usize = 5;
const RUNS: &str = "200";

/// A command, and by how much of its time `space` may take at most.
struct Peer {
    name: &'static str,
    command: &'static str,
    at_most: f64,
}

/// With the namespaces of `space execute --all --no-net --id`, as far as they have them.
const PEERS: [Peer; 2] = [
    Peer { name: "unshare", command: "unshare -Urmpui --fork", at_most: 1.0 },
    Peer {
        name: "bwrap",
        command: "bwrap --unshare-user --unshare-pid --unshare-uts --unshare-ipc --unshare-cgroup \
                  --uid 0 --gid 0 --bind / /",
        at_most: 0.5,
    },
];

pub(crate) fn run() -> Result<Outcome> {
    for tool in ["hyperfine", "unshare", "bwrap"] {
        if Cmd::new(tool, &["--version"]).read().is_err() {
            return Ok(Outcome::Skipped(format!("{tool} is not installed")));
        }
    }
    let space = dist::build()?;
    let tiny = space.with_file_name("tiny");
    build_tiny(&tiny)?;
    let own = format!("{} execute --all --no-net --id --", space.display());
    let commands = [own.as_str(), PEERS[0].command, PEERS[1].command];
    let commands = commands.map(|command| format!("{command} {}", tiny.display()));
    let rounds = (0..ROUNDS).map(|_| round(&commands, &tiny.with_extension("json")));
    judge(&rounds.collect::<Result<Vec<_>>>()?)
}

/// The target: a program with no libc, because a dynamic one costs several times what is measured.
fn build_tiny(tiny: &Path) -> Result<()> {
    let source = format!("benches/tiny/{ARCH}.s");
    let output = tiny.to_str().context("a path that is text")?;
    Cmd::new("cc", &["-nostdlib", "-static", "-o", output, &source]).run()
}

/// The median of each command, in seconds.
fn round(commands: &[String; 3], results: &Path) -> Result<[f64; 3]> {
    let results_text = results.to_str().context("a path that is text")?;
    let options =
        ["-N", "--style=none", "--warmup=20", "--runs", RUNS, "--export-json", results_text];
    let words = options.into_iter().chain(commands.iter().map(String::as_str));
    Cmd::new("hyperfine", &words.collect::<Vec<_>>()).read()?;
    let told: Value = serde_json::from_str(&fs::read_to_string(results)?)?;
    let median = |at: usize| told["results"][at]["median"].as_f64().context("a median");
    Ok([median(0)?, median(1)?, median(2)?])
}

fn judge(rounds: &[[f64; 3]]) -> Result<Outcome> {
    let time = middle(rounds.iter().map(|times| times[0]));
    println!("space     {:.2} ms", time * 1e3);
    let mut missed = Vec::new();
    for (at, peer) in (1..).zip(&PEERS) {
        let time = middle(rounds.iter().map(|times| times[at]));
        let ratio = middle(rounds.iter().map(|times| times[0] / times[at]));
        let (name, at_most) = (peer.name, peer.at_most);
        println!(
            "{name:8}  {:.2} ms  space takes {ratio:.2} of it, at most {at_most:.2}",
            time * 1e3
        );
        if ratio > at_most {
            missed.push(name);
        }
    }
    ensure!(missed.is_empty(), "not met: {}", missed.join(", "));
    Ok(Outcome::Passed)
}

fn middle(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_within_a_round() {
        // The second round was slow for everybody.
        assert!(judge(&[[1.0, 2.0, 4.0], [10.0, 20.0, 40.0], [1.0, 2.0, 4.0]]).is_ok());
        let error = judge(&[[1.0, 2.0, 1.5]]).unwrap_err().to_string();
        assert_eq!(error, "not met: bwrap");
    }
}
