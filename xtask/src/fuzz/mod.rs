//! The fuzz targets: run, replayed, and their corpora kept small.

mod coverage;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::workspace;
use targets::Target;

/// What the verb is asked for.
#[derive(Args)]
pub(crate) struct Wish {
    /// A layer or a target; all of them by default
    #[arg(default_value = "")]
    chosen: String,
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many processes run it at once
    #[arg(long, default_value_t = 1)]
    jobs: u32,
    /// Instead: the bodies on the corpus that is checked in, without a fuzzer
    #[arg(long, conflicts_with_all = ["minimise", "coverage"])]
    replay: bool,
    /// Instead: what was found goes into the corpus, as few inputs as cover as much
    #[arg(long, conflicts_with = "coverage")]
    minimise: bool,
    /// Instead: the lines of the layer's crate that the corpus reaches
    #[arg(long)]
    coverage: bool,
    /// Fails where fewer of these lines are reached, in percent
    #[arg(long, value_name = "PERCENT", requires = "coverage")]
    at_least: Option<f64>,
}

/// How long CI runs each target that asks nobody.
const IN_PASSING: u64 = 20;

pub(crate) fn run(wish: &Wish) -> Result<Outcome> {
    let targets = targets::chosen(&wish.chosen)?;
    if wish.replay {
        replay(&wish.chosen).run()?;
    } else if wish.coverage {
        return coverage::run(&wish.chosen, &targets, wish.at_least);
    } else if wish.minimise {
        has_cargo_fuzz()?;
        targets.iter().try_for_each(minimise)?;
    } else {
        has_cargo_fuzz()?;
        targets.iter().try_for_each(|target| fuzz(target, wish.seconds, wish.jobs))?;
    }
    Ok(Outcome::Passed)
}

/// Without the fuzzer nothing is run: the normal suite has had the bodies and the corpus.
pub(crate) fn in_passing() -> Result<Outcome> {
    if let Err(missing) = has_cargo_fuzz() {
        return Ok(Outcome::Skipped(missing.to_string()));
    }
    let targets = targets::chosen("")?;
    let pure = targets.iter().filter(|target| !target.asks_kernel);
    pure.into_iter().try_for_each(|target| fuzz(target, IN_PASSING, 1))?;
    Ok(Outcome::Passed)
}

fn has_cargo_fuzz() -> Result<()> {
    let installed = |command: Cmd| command.read().is_ok();
    ensure!(installed(Cmd::cargo("fuzz --version")), "no cargo-fuzz: cargo install cargo-fuzz");
    ensure!(
        installed(Cmd::new("c++", &["--version"])),
        "no C++ compiler, of which libFuzzer is made"
    );
    Ok(())
}

fn replay(chosen: &str) -> Cmd {
    Cmd::cargo(&format!("run --quiet -p fuzz --bin replay -- {chosen}"))
}

/// From the corpus on; what is new goes to a folder that nobody checks in.
fn fuzz(target: &Target, seconds: u64, jobs: u32) -> Result<()> {
    let found = found(target)?;
    let limits = [format!("-max_total_time={seconds}"), "-timeout=30".to_owned()];
    let options = limits.into_iter().chain(target.dictionary());
    cargo_fuzz(target, &["--jobs", &jobs.to_string()], &[found, target.corpus()], options).run()
}

/// The least number of inputs that covers what all of them do together.
fn minimise(target: &Target) -> Result<()> {
    let (seeds, least) = (scratch("seeds"), scratch("least").join(&target.name));
    Cmd::cargo(&format!("run --quiet -p fuzz --bin seeds -- {}", seeds.display())).run()?;
    let _ = fs::remove_dir_all(&least);
    fs::create_dir_all(&least)?;
    fs::create_dir_all(target.corpus())?;
    let from = [target.corpus(), found(target)?, seeds.join(&target.name)];
    let folders = [least.clone()].into_iter().chain(from).collect::<Vec<_>>();
    // How often a line is reached is no reason to keep an input.
    let options = ["-set_cover_merge=1", "-use_counters=0", "-max_len=4096"].map(str::to_owned);
    cargo_fuzz(target, &[], &folders, options).run()?;
    fs::remove_dir_all(target.corpus())?;
    copy(&least, &target.corpus())
}

/// No sanitizer: the layers below are safe Rust or run between clone and exec, where a sanitizer's
/// own state is another process's. So it needs no nightly.
fn cargo_fuzz(
    target: &Target,
    more: &[&str],
    folders: &[PathBuf],
    options: impl IntoIterator<Item = String>,
) -> Cmd {
    let run = ["fuzz", "run", "--sanitizer", "none", "--features", "libfuzzer"];
    let folders = folders.iter().map(|folder| folder.display().to_string());
    let mut words: Vec<String> = run.iter().chain(more).map(|&word| word.to_owned()).collect();
    words.push(target.name.clone());
    words.extend(folders);
    words.push("--".to_owned());
    words.extend(options);
    Cmd::new("cargo", &words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Where a target's finds are kept.
fn found(target: &Target) -> Result<PathBuf> {
    let folder = scratch("found").join(&target.name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn scratch(name: &str) -> PathBuf {
    workspace::root().join("target/fuzz").join(name)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_run_as_one_would_type_it() {
        let target = &targets::chosen("idmap_parse").unwrap()[0];
        let command = cargo_fuzz(target, &["--jobs", "2"], &["a".into()], ["-x=1".to_owned()]);
        let text =
            "cargo fuzz run --sanitizer none --features libfuzzer --jobs 2 idmap_parse a -- -x=1";
        assert_eq!(command.to_string(), text);
    }

    #[test]
    fn the_layer_is_passed_on() {
        assert!(replay("fs").to_string().ends_with("--bin replay -- fs"));
    }
}
