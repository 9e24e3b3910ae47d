//! The time of `space` as a command, compared with other commands by hyperfine(1), in rounds.

use std::env::consts::ARCH;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::dist;
use crate::tools::{Outcome, succeeds};

/// The load of the machine changes between rounds, and much less within one.
const ROUNDS: usize = 5;

/// Name and arguments of another command, and the part of its time that `space` may take. The namespaces are those of
/// `space execute --all --no-net --id` as far as the command supports them.
const PEERS: [(&str, &str, f64); 2] = [
    ("unshare", "unshare -Urmpui --fork", 1.0),
    (
        "bwrap",
        "bwrap --unshare-user --unshare-pid --unshare-uts --unshare-ipc --unshare-cgroup \
         --uid 0 --gid 0 --bind / /",
        0.5,
    ),
];

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    for tool in ["hyperfine", "unshare", "bwrap"] {
        if !succeeds(sh, &format!("{tool} --version")) {
            return Ok(Outcome::Skipped(format!("{tool} is not installed")));
        }
    }
    let space = dist::build(sh)?;
    // Every command runs a program without libc: loading a dynamic one takes several times as long.
    let tiny = space.with_file_name("tiny");
    cmd!(sh, "cc -nostdlib -static -o {tiny} benches/tiny/{ARCH}.s").run()?;
    let own = format!("{} execute --all --no-net --id --", space.display());
    let commands = [own.as_str(), PEERS[0].1, PEERS[1].1];
    let commands = commands.map(|command| format!("{command} {}", tiny.display()));
    judge(&(0..ROUNDS).map(|_| round(sh, &commands)).collect::<Result<Vec<_>>>()?)
}

/// The median of each command, in seconds.
fn round(sh: &Shell, commands: &[String; 3]) -> Result<[f64; 3]> {
    let results = "target/whole-process.json";
    let options = ["-N", "--style=none", "--warmup=20", "--runs=200", "--export-json", results];
    cmd!(sh, "hyperfine {options...} {commands...}").ignore_stdout().run()?;
    let json: Value = serde_json::from_str(&sh.read_file(results)?)?;
    let median = |at: usize| json["results"][at]["median"].as_f64().context("no median");
    Ok([median(0)?, median(1)?, median(2)?])
}

fn judge(rounds: &[[f64; 3]]) -> Result<Outcome> {
    let mut missed = Vec::new();
    println!("space     {:.2} ms", median(rounds.iter().map(|times| times[0])) * 1e3);
    for (at, (name, _, limit)) in (1..).zip(PEERS) {
        let time = median(rounds.iter().map(|times| times[at])) * 1e3;
        let part = median(rounds.iter().map(|times| times[0] / times[at]));
        println!("{name:8}  {time:.2} ms  space takes {part:.2} of it, at most {limit:.2}");
        if part > limit {
            missed.push(name);
        }
    }
    ensure!(missed.is_empty(), "missed: {}", missed.join(", "));
    Ok(Outcome::Passed)
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_within_a_round() {
        // The second round was slow for all commands.
        assert!(judge(&[[1.0, 2.0, 4.0], [10.0, 20.0, 40.0], [1.0, 2.0, 4.0]]).is_ok());
        assert_eq!(judge(&[[1.0, 2.0, 1.5]]).unwrap_err().to_string(), "missed: bwrap");
    }
}
