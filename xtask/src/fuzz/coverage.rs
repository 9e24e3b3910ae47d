//! The lines that the corpus reaches, measured with stable Rust.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::Target;
use crate::tools::{Outcome, rustup};

const DIRECTORY: &str = "target/fuzz/coverage";

/// Compiles the replay with counters, runs it, and shows the lines of each layer's crate.
pub(super) fn run(
    sh: &Shell,
    chosen: &str,
    targets: &[Target],
    at_least: Option<f64>,
) -> Result<Outcome> {
    // llvm-cov and llvm-profdata must be those of the compiler.
    let library = cmd!(sh, "rustc --print target-libdir").read()?;
    let tools = Path::new(&library).with_file_name("bin");
    if !tools.join("llvm-cov").exists() && !rustup(sh, "component add llvm-tools") {
        return Ok(Outcome::Skipped("no llvm-tools: rustup component add llvm-tools".to_owned()));
    }
    let program = build(sh)?;
    let profile = profile(sh, &tools, &program, chosen)?;
    let mut layers: Vec<_> = targets.iter().map(Target::layer).collect();
    layers.dedup();
    for layer in layers {
        let llvm_cov = tools.join("llvm-cov");
        let options = ["--show-region-summary=false", "--show-branch-summary=false"];
        let sources = format!("crates/ns-{layer}/src");
        let report = cmd!(
            sh,
            "{llvm_cov} report {program} --instr-profile={profile} {sources} {options...}"
        )
        .read()?;
        println!("{report}");
        let percent = percent(&report).context("llvm-cov reports no share of the lines")?;
        ensure!(at_least.is_none_or(|least| percent >= least), "{layer}: {percent} % of the lines");
    }
    Ok(Outcome::Passed)
}

/// Compiles the replay with a counter for each region; the counters may lie in a shared file.
fn build(sh: &Shell) -> Result<String> {
    let flags = "-C instrument-coverage -C llvm-args=-runtime-counter-relocation";
    // Build scripts have counters too.
    let unused = sh.current_dir().join(DIRECTORY).join("unused/%p.profraw");
    cmd!(sh, "cargo build --quiet -p fuzz --bin replay --target-dir {DIRECTORY}")
        .env("RUSTFLAGS", flags)
        .env("LLVM_PROFILE_FILE", unused)
        .run()?;
    Ok(format!("{DIRECTORY}/debug/replay"))
}

/// Replays the corpus and merges the counters of all processes.
fn profile(sh: &Shell, tools: &Path, program: &str, chosen: &str) -> Result<String> {
    let (raw, merged) = (format!("{DIRECTORY}/raw"), format!("{DIRECTORY}/merged.profdata"));
    sh.remove_path(&raw)?;
    // `%c` maps the file, because forked children exit without writing one.
    let pattern = sh.current_dir().join(&raw).join("%p%c.profraw");
    cmd!(sh, "{program} {chosen}").env("LLVM_PROFILE_FILE", pattern).run()?;
    let files = sh.read_dir(raw)?;
    ensure!(!files.is_empty(), "the replay wrote no counters");
    let llvm_profdata = tools.join("llvm-profdata");
    cmd!(sh, "{llvm_profdata} merge --sparse --output {merged} {files...}").run()?;
    Ok(merged)
}

/// The share of the lines in percent: the last column of the last row.
fn percent(report: &str) -> Option<f64> {
    let total = report.lines().find(|line| line.starts_with("TOTAL"))?;
    total.split_ascii_whitespace().last()?.strip_suffix('%')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn the_share_is_that_of_all_files() {
        let report =
            "Filename  Lines  Missed  Cover\na.rs  2  2  0.00%\n---\nTOTAL  968  66  93.18%\n";
        assert_eq!(percent(report), Some(93.18));
        assert_eq!(percent("a.rs  2  2  0.00%\n"), None);
    }
}
