//! The lines that the corpus reaches, on stable Rust.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::scratch;
use super::targets::Target;
use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::rustup;

/// Compiles the replay with counters, replays, and shows the lines of each layer's crate.
pub(super) fn run(chosen: &str, targets: &[Target], at_least: Option<f64>) -> Result<Outcome> {
    let Some(tools) = tools()? else {
        return Ok(Outcome::Skipped("no llvm-tools: rustup component add llvm-tools".to_owned()));
    };
    let folder = scratch("coverage");
    let program = counted(&folder)?;
    let raw = folder.join("raw");
    let _ = fs::remove_dir_all(&raw);
    // `%c`: in a file that forked children share, because these leave without writing one.
    let pattern = raw.join("%p%c.profraw").display().to_string();
    Cmd::new(&program, &[chosen]).env("LLVM_PROFILE_FILE", &pattern).run()?;
    let merged = merge(&tools, &raw, &folder.join("merged.profdata"))?;
    let mut layers: Vec<_> = targets.iter().map(Target::layer).collect();
    layers.dedup();
    for layer in layers {
        let text = report(&tools, &program, &merged, layer)?;
        println!("{text}");
        let reached = reached(&text).context("llvm-cov tells no share of the lines")?;
        ensure!(at_least.is_none_or(|floor| reached >= floor), "{layer}: {reached} % of the lines");
    }
    Ok(Outcome::Passed)
}

/// The share of the lines in percent: the last column of the last row.
fn reached(report: &str) -> Option<f64> {
    let total = report.lines().find(|line| line.starts_with("TOTAL"))?;
    total.split_ascii_whitespace().last()?.strip_suffix('%')?.parse().ok()
}

/// The folder of llvm-cov and llvm-profdata, which must be those of the compiler.
fn tools() -> Result<Option<PathBuf>> {
    let library = Cmd::new("rustc", &["--print", "target-libdir"]).read()?;
    let bin = Path::new(library.trim()).with_file_name("bin");
    let there = || bin.join("llvm-profdata").exists();
    let found = there() || rustup::obtain(&["component", "add", "llvm-tools"]) && there();
    Ok(found.then_some(bin))
}

/// The replay with a counter for each region, and counters that may lie in a shared file.
fn counted(folder: &Path) -> Result<String> {
    let flags = "-C instrument-coverage -C llvm-args=-runtime-counter-relocation";
    let build = format!("build --quiet -p fuzz --bin replay --target-dir {}", folder.display());
    // Build scripts have counters too, which nobody reads.
    let unread = folder.join("unread/%p.profraw").display().to_string();
    Cmd::cargo(&build).env("RUSTFLAGS", flags).env("LLVM_PROFILE_FILE", &unread).run()?;
    Ok(folder.join("debug/replay").display().to_string())
}

fn merge(tools: &Path, raw: &Path, merged: &Path) -> Result<String> {
    let files = fs::read_dir(raw)?
        .map(|entry| Ok(entry?.path().display().to_string()))
        .collect::<Result<Vec<_>>>()?;
    ensure!(!files.is_empty(), "the replay wrote no counters");
    let merged = merged.display().to_string();
    let mut words = vec!["merge", "--sparse", "--output", &merged];
    words.extend(files.iter().map(String::as_str));
    Cmd::new(&tool(tools, "llvm-profdata"), &words).run()?;
    Ok(merged)
}

fn report(tools: &Path, program: &str, merged: &str, layer: &str) -> Result<String> {
    let profile = format!("--instr-profile={merged}");
    let sources = format!("crates/ns-{layer}/src");
    let quiet = ["--show-region-summary=false", "--show-branch-summary=false"];
    let words = [["report", program], [profile.as_str(), sources.as_str()], quiet].concat();
    Cmd::new(&tool(tools, "llvm-cov"), &words).read()
}

fn tool(tools: &Path, name: &str) -> String {
    tools.join(name).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::reached;

    #[test]
    fn the_share_is_the_totals() {
        let report =
            "Filename  Lines  Missed  Cover\na.rs  2  2  0.00%\n---\nTOTAL  968  66  93.18%\n";
        assert_eq!(reached(report), Some(93.18));
        assert_eq!(reached("a.rs  2  2  0.00%\n"), None);
    }
}
