//! What a start costs: the benches of a layer, and how a start's price grows.

use anyhow::Result;

use crate::command::Cmd;
use crate::outcome::Outcome;

/// A layer has a bench of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Layer {
    Sys,
    Idmap,
    Fs,
    Process,
}

/// Runs the bench of `layer`, or of all.
pub(crate) fn run(layer: Option<Layer>) -> Result<Outcome> {
    benches(layer).run()?;
    Ok(Outcome::Passed)
}

/// Tables and plots of how a start's price grows, in `target/scaling`; with `check_in` also those of
/// the front page.
pub(crate) fn scaling(check_in: bool) -> Result<Outcome> {
    scaling_command(check_in).run()?;
    Ok(Outcome::Passed)
}

/// Each body once: that they run and that what they assert holds.
pub(crate) fn bodies() -> Cmd {
    Cmd::cargo("bench -p benches --benches -- --test")
}

fn benches(layer: Option<Layer>) -> Cmd {
    let which = match layer {
        None => "--benches",
        Some(Layer::Sys) => "--bench sys",
        Some(Layer::Idmap) => "--bench idmap",
        Some(Layer::Fs) => "--bench fs",
        Some(Layer::Process) => "--bench process",
    };
    Cmd::cargo(&format!("bench -p benches {which}"))
}

fn scaling_command(check_in: bool) -> Cmd {
    let more = if check_in { " --check-in" } else { "" };
    Cmd::cargo(&format!("run --release -p benches --bin scaling -- target/scaling{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_one_bench() {
        assert_eq!(benches(Some(Layer::Idmap)).to_string(), "cargo bench -p benches --bench idmap");
        assert_eq!(benches(None).to_string(), "cargo bench -p benches --benches");
    }

    #[test]
    fn the_front_page_changes_on_demand_only() {
        assert!(!scaling_command(false).to_string().contains("check-in"));
        assert!(scaling_command(true).to_string().ends_with("--check-in"));
    }
}
