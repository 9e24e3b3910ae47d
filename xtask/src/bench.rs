//! The benchmarks of each layer, and the gates that hold the promised speed.

use anyhow::Result;
use clap::{Args, ValueEnum};
use xshell::{Shell, cmd};

use crate::tools::{Outcome, cargo};

/// Each layer has a benchmark of the same name.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Layer {
    Sys,
    Idmap,
    Fs,
    Process,
}

#[derive(Args)]
pub(crate) struct Options {
    /// Only the benchmark of this layer
    layer: Option<Layer>,
    /// Instead, measure how the cost of a start grows with memory, threads, mounts, extents and
    /// parallel starts; tables and plots go to target/scaling
    #[arg(long, conflicts_with = "layer")]
    scaling: bool,
    /// Also write the plot and table of memory into the README
    #[arg(long, requires = "scaling")]
    check_in: bool,
}

#[derive(Args)]
pub(crate) struct Gates {
    /// Only the rows that hold on a busy machine too: counts, and flatness in memory
    #[arg(long)]
    robust: bool,
    /// Only rows whose name contains this
    #[arg(long)]
    only: Option<String>,
}

pub(crate) fn run(sh: &Shell, options: &Options) -> Result<Outcome> {
    if options.scaling {
        let check_in = if options.check_in { "--check-in" } else { "" };
        let run = format!("run --release -p benches --bin scaling -- target/scaling {check_in}");
        return cargo(sh, &run);
    }
    let bench = match options.layer {
        None => "--benches",
        Some(Layer::Sys) => "--bench sys",
        Some(Layer::Idmap) => "--bench idmap",
        Some(Layer::Fs) => "--bench fs",
        Some(Layer::Process) => "--bench process",
    };
    cargo(sh, &format!("bench -p benches {bench}"))
}

/// Runs the body of each benchmark once, without optimization: nothing is measured.
pub(crate) fn bodies(sh: &Shell) -> Result<Outcome> {
    cargo(sh, "test --quiet -p benches --benches")
}

/// Measures the gates; tables go to target/gates.
pub(crate) fn gates(sh: &Shell, options: &Gates) -> Result<Outcome> {
    let robust = options.robust.then_some("--robust");
    let only = options.only.iter().flat_map(|text| ["--only", text]);
    let rows = robust.into_iter().chain(only);
    cmd!(sh, "cargo run --release -p benches --bin gates -- target/gates {rows...}").run()?;
    Ok(Outcome::Passed)
}

pub(crate) fn robust_gates(sh: &Shell) -> Result<Outcome> {
    gates(sh, &Gates { robust: true, only: None })
}
