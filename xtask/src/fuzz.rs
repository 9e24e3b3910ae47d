//! The fuzz targets: run them, replay their corpora, and keep the corpora small.

mod coverage;

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use cargo_metadata::TargetKind;
use clap::Args;
use xshell::{Shell, cmd};

use crate::tools::{Outcome, cargo, metadata, require};

#[derive(Args)]
pub(crate) struct Options {
    /// A layer or a target; without it, all of them
    #[arg(default_value = "")]
    chosen: String,
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many processes run a target at once
    #[arg(long, default_value_t = 1)]
    jobs: u32,
    /// Instead, run the targets on the corpus, without a fuzzer
    #[arg(long, conflicts_with_all = ["minimise", "coverage"])]
    replay: bool,
    /// Instead, add what was found to the corpus, and keep the fewest inputs with the same coverage
    #[arg(long, conflicts_with = "coverage")]
    minimise: bool,
    /// Instead, show which lines of the layer's crate the corpus reaches
    #[arg(long)]
    coverage: bool,
    /// Fail if a smaller part of the lines is reached, in percent
    #[arg(long, value_name = "PERCENT", requires = "coverage")]
    at_least: Option<f64>,
}

/// How long CI runs each target that makes no system call.
const BRIEFLY: u64 = 20;

/// Where new inputs are kept.
const FOUND: &str = "target/fuzz/found";

struct Target {
    /// `LAYER_OPERATION`
    name: String,
    /// Whether it enters namespaces first.
    uses_kernel: bool,
}

pub(crate) fn run(sh: &Shell, options: &Options) -> Result<Outcome> {
    let chosen = &options.chosen;
    let targets = targets(sh, chosen)?;
    if options.replay {
        return cargo(sh, &format!("run --quiet -p fuzz --bin replay -- {chosen}"));
    }
    if options.coverage {
        return coverage::run(sh, chosen, &targets, options.at_least);
    }
    require_fuzzer(sh)?;
    for target in &targets {
        if options.minimise {
            target.minimise(sh)?;
        } else {
            target.fuzz(sh, options.seconds, options.jobs)?;
        }
    }
    Ok(Outcome::Passed)
}

/// The tests have already run every target on its corpus, so this may be skipped.
pub(crate) fn briefly(sh: &Shell) -> Result<Outcome> {
    if let Err(missing) = require_fuzzer(sh) {
        return Ok(Outcome::Skipped(missing.to_string()));
    }
    for target in targets(sh, "")?.iter().filter(|target| !target.uses_kernel) {
        target.fuzz(sh, BRIEFLY, 1)?;
    }
    Ok(Outcome::Passed)
}

/// libFuzzer is compiled as C++.
fn require_fuzzer(sh: &Shell) -> Result<()> {
    require(sh, "cargo fuzz --version", "cargo install cargo-fuzz")?;
    require(sh, "c++ --version", "apt-get install g++")
}

/// The targets that are called `chosen` or belong to that layer; with an empty text, all.
fn targets(sh: &Shell, chosen: &str) -> Result<Vec<Target>> {
    let metadata = metadata(sh)?;
    let fuzz = metadata.packages.iter().filter(|package| package.name == "fuzz");
    let bins = fuzz.flat_map(|package| &package.targets).filter(|bin| {
        let (name, is_bin) = (&bin.name, bin.kind == [TargetKind::Bin]);
        let is_chosen = chosen.is_empty() || name == chosen;
        let is_target = is_bin && !bin.required_features.is_empty();
        is_target && (is_chosen || name.starts_with(&format!("{chosen}_")))
    });
    let targets = bins.map(|bin| {
        let uses_kernel = fs::read_to_string(&bin.src_path)?.contains("sandbox::enter");
        Ok(Target { name: bin.name.clone(), uses_kernel })
    });
    let targets = targets.collect::<Result<Vec<_>>>()?;
    ensure!(!targets.is_empty(), "no target and no layer is called {chosen:?}");
    Ok(targets)
}

impl Target {
    fn layer(&self) -> &str {
        self.name.split('_').next().unwrap_or_default()
    }

    fn corpus(&self) -> String {
        format!("fuzz/corpus/{}", self.name)
    }

    /// Runs the fuzz target for `seconds` with `jobs` parallel jobs. It starts with the inputs of the corpus, and writes
    /// new ones to [`FOUND`].
    fn fuzz(&self, sh: &Shell, seconds: u64, jobs: u32) -> Result<()> {
        let found = sh.create_dir(format!("{FOUND}/{}", self.name))?.display().to_string();
        let mut options = vec![format!("-max_total_time={seconds}"), "-timeout=30".to_owned()];
        let dictionary = format!("fuzz/dictionaries/{}.dict", self.name);
        if sh.path_exists(&dictionary) {
            options.push(format!("-dict={}", sh.current_dir().join(dictionary).display()));
        }
        self.cargo_fuzz(sh, jobs, &[found, self.corpus()], &options)
    }

    /// Replaces the corpus by the fewest inputs that cover what all inputs cover.
    fn minimise(&self, sh: &Shell) -> Result<()> {
        let (seeds, least) = ("target/fuzz/seeds", format!("target/fuzz/least/{}", self.name));
        cargo(sh, &format!("run --quiet -p fuzz --bin seeds -- {seeds}"))?;
        sh.remove_path(&least)?;
        let least = sh.create_dir(least)?;
        let found = sh.create_dir(format!("{FOUND}/{}", self.name))?.display().to_string();
        let corpus = sh.create_dir(self.corpus())?;
        let seeds = format!("{seeds}/{}", self.name);
        let from = [least.display().to_string(), self.corpus(), found, seeds];
        // How often a line is reached is no reason to keep an input.
        let options = ["-set_cover_merge=1", "-use_counters=0", "-max_len=4096"];
        self.cargo_fuzz(sh, 1, &from, &options.map(str::to_owned))?;
        sh.remove_path(&corpus)?;
        sh.create_dir(&corpus)?;
        for input in sh.read_dir(least)? {
            sh.copy_file(input, &corpus)?;
        }
        Ok(())
    }

    /// Without a sanitizer, so it needs no nightly: the code is safe Rust, or runs between clone
    /// and exec, where the state of a sanitizer belongs to another process.
    fn cargo_fuzz(
        &self,
        sh: &Shell,
        jobs: u32,
        directories: &[String],
        options: &[String],
    ) -> Result<()> {
        let (name, jobs) = (&self.name, jobs.to_string());
        let fuzz = ["fuzz", "run", "--sanitizer", "none", "--features", "libfuzzer"];
        // cargo-fuzz runs the target in another directory.
        let root = sh.current_dir();
        let directories = directories.iter().map(|directory| root.join(Path::new(directory)));
        cmd!(sh, "cargo {fuzz...} --jobs {jobs} {name} {directories...} -- {options...}").run()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::shell;

    fn names(chosen: &str) -> Vec<String> {
        let targets = targets(&shell().unwrap(), chosen).unwrap();
        targets.into_iter().map(|target| target.name).collect()
    }

    #[test]
    fn a_layer_stands_for_its_targets() {
        let idmap = names("idmap");
        assert!(idmap.len() >= 5 && idmap.iter().all(|name| name.starts_with("idmap_")));
        assert_eq!(names("idmap_parse"), ["idmap_parse"]);
        assert!(names("").len() > idmap.len() && !names("").contains(&"replay".to_owned()));
        assert!(targets(&shell().unwrap(), "idma").is_err());
    }

    #[test]
    fn targets_that_use_the_kernel_are_known() {
        let uses = |name| targets(&shell().unwrap(), name).unwrap()[0].uses_kernel;
        assert!(uses("idmap_kernel") && !uses("idmap_parse"));
    }
}
