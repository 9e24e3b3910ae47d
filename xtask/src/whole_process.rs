//! The time of `space` as a command, compared with other commands that do the same, in rounds.

use std::env::consts::ARCH;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::dist;
use crate::tools::{Outcome, cargo, metadata, succeeds};

/// Each round runs every command once: the load of the machine changes between rounds, and much less within one.
const ROUNDS: usize = 300;

/// A copy of a program is replaced after so many rounds: where it lies in memory changes its time by some percent.
const ROUNDS_OF_COPY: usize = 20;

/// The kernel removes the namespaces of a run in the background.
const GAP: Duration = Duration::from_millis(1);

/// Five new namespaces in which the caller is root.
const SPACE: &str = "execute -Umpui --id --";
const UNSHARE: &str = "-Umpui -r --fork";
const BWRAP: &str =
    "--unshare-user --unshare-pid --unshare-uts --unshare-ipc --uid 0 --gid 0 --bind / / --";

/// A command, another one, and the part of its time that the first may take.
const LIMITS: [(&str, &str, f64); 4] = [
    ("dist", "floor", 1.1),
    ("dist", "unshare", 0.7),
    ("dist", "bwrap", 0.45),
    ("install", "unshare", 1.0),
];

/// A command, and the time of each of its runs in seconds.
struct Subject {
    name: &'static str,
    words: Vec<String>,
    times: Vec<f64>,
}

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    let directory = metadata(sh)?.target_directory.join("whole-process").into_std_path_buf();
    sh.create_dir(&directory)?;
    let at = |name: &str| directory.join(name).display().to_string();
    let (tiny, floor) = (at("tiny"), at("floor"));
    // Every command runs a program without libc: loading a dynamic one takes several times as long.
    cmd!(sh, "cc -nostdlib -static -o {tiny} benches/tiny/{ARCH}.s").run()?;
    cmd!(sh, "cc -O2 -static -o {floor} benches/command/floor.c").run()?;
    let root = at("install");
    cargo(sh, &format!("install --quiet --locked --force --path crates/space --root {root}"))?;
    let installed = directory.join("install/bin/space");
    let copies = directory.join("copies");
    sh.create_dir(&copies)?;
    let built = [
        ("floor", floor.into(), ""),
        ("dist", dist::build(sh)?, SPACE),
        ("install", installed, SPACE),
    ];
    let copy = |name: &str| copies.join(name).display().to_string();
    let mut subjects: Vec<_> = built
        .iter()
        .map(|(name, _, options)| Subject::new(name, &copy(name), options, &tiny))
        .collect();
    let mut missing = Vec::new();
    for (tool, options) in [("unshare", UNSHARE), ("bwrap", BWRAP)] {
        if succeeds(sh, &format!("{tool} --version")) {
            subjects.push(Subject::new(tool, tool, options, &tiny));
        } else {
            missing.push(format!("{tool} is not installed"));
        }
    }
    for round in 0..ROUNDS {
        if round.is_multiple_of(ROUNDS_OF_COPY) {
            built.iter().try_for_each(|(name, program, _)| rewrite(program, &copies.join(name)))?;
        }
        measure(&mut subjects, round)?;
    }
    judge(&subjects)?;
    Ok(Outcome::unless_skipped(&missing))
}

/// Writes a program as a copy, in one call.
///
/// The time of a page fault depends on the size of the pages in the page cache, and that on the way in which the file
/// was written. So all programs are written in the same way.
fn rewrite(program: &Path, copy: &Path) -> Result<()> {
    let bytes = fs::read(program).with_context(|| program.display().to_string())?;
    fs::write(copy, bytes)?;
    fs::set_permissions(copy, fs::metadata(program)?.permissions())?;
    Ok(())
}

impl Subject {
    fn new(name: &'static str, program: &str, options: &str, target: &str) -> Self {
        let words = [program].into_iter().chain(options.split_whitespace()).chain([target]);
        Self { name, words: words.map(ToOwned::to_owned).collect(), times: Vec::new() }
    }

    fn run(&mut self) -> Result<()> {
        let (program, args) = self.words.split_first().context("no program")?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null());
        let start = Instant::now();
        let status = command.status().with_context(|| program.clone())?;
        self.times.push(start.elapsed().as_secs_f64());
        ensure!(status.success(), "{}: {status}", self.words.join(" "));
        Ok(())
    }
}

/// Runs every command once. The first and the direction change, so that no command always follows the same one.
fn measure(subjects: &mut [Subject], round: usize) -> Result<()> {
    let count = subjects.len();
    for step in 0..count {
        let step = if round.is_multiple_of(2) { step } else { count - 1 - step };
        subjects[(round / 2 + step) % count].run()?;
        sleep(GAP);
    }
    Ok(())
}

/// Prints the medians and ratios, and fails if a command takes longer than it may.
fn judge(subjects: &[Subject]) -> Result<Outcome> {
    for Subject { name, times, .. } in subjects {
        println!("{name:8}{:>6.2} ms", median(times.iter().copied()) * 1e3);
    }
    let times = |name| subjects.iter().find(|subject| subject.name == name).map(|it| &it.times);
    let mut missed = Vec::new();
    for (name, other, limit) in LIMITS {
        let Some((own, other_times)) = times(name).zip(times(other)) else { continue };
        let part = median(own.iter().zip(other_times).map(|(own, other)| own / other));
        println!("{name} takes {part:.2} of {other}, at most {limit:.2}");
        if part > limit {
            missed.push(format!("{name} against {other}"));
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

    fn subject(name: &'static str, times: &[f64]) -> Subject {
        Subject { name, words: Vec::new(), times: times.to_vec() }
    }

    #[test]
    fn a_ratio_is_taken_within_a_round() {
        // The second round was slow for all commands.
        let dist = subject("dist", &[1.0, 10.0, 1.0]);
        let unshare = subject("unshare", &[2.0, 20.0, 2.0]);
        assert!(judge(&[dist, unshare]).is_ok());
        let slow = [subject("dist", &[1.0]), subject("bwrap", &[1.5])];
        assert_eq!(judge(&slow).unwrap_err().to_string(), "missed: dist against bwrap");
    }

    #[test]
    fn a_missing_command_is_not_judged() {
        assert!(judge(&[subject("dist", &[1.0])]).is_ok());
    }

    #[test]
    fn every_round_runs_every_command() {
        let mut subjects = ["a", "b", "c"].map(|name| Subject::new(name, "true", "", ""));
        for round in 0..4 {
            measure(&mut subjects, round).unwrap();
        }
        assert!(subjects.iter().all(|subject| subject.times.len() == 4));
    }
}
