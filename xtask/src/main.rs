//! The developer verbs of this workspace: `cargo xtask VERB`.

mod bench;
mod ci;
mod command;
mod cross;
mod dist;
mod examples;
mod features;
mod fuzz;
mod gates;
mod instructions;
mod layers;
mod msrv;
mod mutants;
mod outcome;
mod package;
mod prove;
mod public_api;
mod rootfs;
mod rows;
mod rustup;
mod soak;
mod tidy;
mod whole_process;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use outcome::Outcome;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The developer verbs of this workspace")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Everything that CI runs, in order; stops at the first failure
    Ci,
    /// The rules of the source tree that no lint can hold
    Tidy,
    /// What the tests show: each hazard and each promise, with the tests that name it
    #[command(visible_alias = "hazards")]
    Rows,
    /// The allowed edges between the crates, and to other people's
    Layers,
    /// Each library crate with no feature, each alone, and all
    Features,
    /// `space` as one static file, with its manual pages and completions
    Dist,
    /// What `space` costs as a command, against unshare(1) and bwrap(1), by hyperfine(1)
    WholeProcess,
    /// Each crate packed as it is published, and built from that
    Package,
    /// What each crate promises, against the snapshot beside its manifest
    PublicApi {
        /// Writes the snapshots
        #[arg(long)]
        bless: bool,
    },
    /// Runs every example and looks at what it prints
    Examples,
    /// The library crates on the oldest Rust they promise
    Msrv,
    /// Changes the code of a crate in small ways, and tells which no test notices
    Mutants {
        /// The crate
        package: String,
        /// Only this part, as 1/4
        #[arg(long)]
        shard: Option<String>,
    },
    /// The library crates compiled for the other processors with an assembly of their own
    Cross,
    /// The "must show" lines of the issues at full count, in release mode
    Prove {
        /// Only the lines of this issue
        issue: Option<u32>,
    },
    /// Runs fuzz targets, each for a while, from the corpus on; what they find is kept in target/fuzz
    Fuzz(fuzz::Wish),
    /// What a start costs, layer by layer, each operation beside what does the same without these crates
    Bench {
        /// Only the bench of this layer
        layer: Option<bench::Layer>,
        /// Instead: how it grows with memory, threads, mounts, extents and starters; tables and plots
        #[arg(long, conflicts_with = "layer")]
        scaling: bool,
        /// Puts the plot and table of memory on the front page as well
        #[arg(long, requires = "scaling")]
        check_in: bool,
    },
    /// The gates that hold the speed: measures every row; on a quiet machine
    Gates {
        /// Only the rows that hold on a busy machine too: counts, and flatness in memory
        #[arg(long)]
        robust: bool,
        /// Only rows whose name contains this
        #[arg(long)]
        only: Option<String>,
    },
    /// Instructions of what makes no system call, against the counts that were checked in (valgrind)
    Instructions {
        /// Writes the counts anew
        #[arg(long)]
        save: bool,
    },
    /// Starts, injects, kills and drops from many threads, and looks at what is left behind
    Soak {
        /// For how long
        #[arg(long, default_value_t = 20)]
        minutes: u64,
        /// From how many threads
        #[arg(long, default_value_t = 8)]
        threads: u64,
    },
    /// A tiny root: programs of this machine, with their loaders and libraries, in a folder
    Rootfs {
        /// Where; made if it is missing
        folder: PathBuf,
        /// Names or paths; each becomes /bin/NAME
        #[arg(default_values = ["sh", "ls", "cat"])]
        programs: Vec<String>,
    },
}

/// A failure is told in one line: returned from here, it would come with a backtrace.
fn main() -> ExitCode {
    match run(&Cli::parse().verb) {
        Ok(outcome) => {
            println!("{outcome}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: &Verb) -> Result<Outcome> {
    match verb {
        Verb::Ci => ci::run(),
        Verb::Tidy => tidy::run(),
        Verb::Rows => rows::run(),
        Verb::Layers => layers::run(),
        Verb::Features => features::run(),
        Verb::Msrv => msrv::run(),
        Verb::Mutants { package, shard } => mutants::run(package, shard.as_deref()),
        Verb::Cross => cross::run(),
        Verb::Dist => dist::run(),
        Verb::WholeProcess => whole_process::run(),
        Verb::Package => package::run(),
        Verb::PublicApi { bless } => public_api::run(*bless),
        Verb::Examples => examples::run(),
        Verb::Prove { issue } => prove::run(*issue),
        Verb::Fuzz(wish) => fuzz::run(wish),
        Verb::Bench { scaling: true, check_in, .. } => bench::scaling(*check_in),
        Verb::Bench { layer, .. } => bench::run(*layer),
        Verb::Gates { robust, only } => gates::run(*robust, only.as_deref()),
        Verb::Instructions { save } => instructions::run(*save),
        Verb::Soak { minutes, threads } => soak::run(*minutes, *threads),
        Verb::Rootfs { folder, programs } => rootfs::run(folder, programs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_what_they_are_about() {
        let cli =
            Cli::try_parse_from(["cargo xtask", "hazards"]).map_err(|error| error.to_string());
        assert!(matches!(cli, Ok(Cli { verb: Verb::Rows })));
    }
}
