//! The developer verbs of this workspace: `cargo xtask VERB`.

mod ci;
mod command;
mod cross;
mod examples;
mod features;
mod fuzz;
mod layers;
mod msrv;
mod mutants;
mod outcome;
mod prove;
mod rootfs;
mod rustup;
mod tidy;
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
    /// The allowed edges between the crates, and to other people's
    Layers,
    /// Each library crate with no feature, each alone, and all
    Features,
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
        Verb::Layers => layers::run(),
        Verb::Features => features::run(),
        Verb::Msrv => msrv::run(),
        Verb::Mutants { package, shard } => mutants::run(package, shard.as_deref()),
        Verb::Cross => cross::run(),
        Verb::Examples => examples::run(),
        Verb::Prove { issue } => prove::run(*issue),
        Verb::Fuzz(wish) => fuzz::run(wish),
        Verb::Rootfs { folder, programs } => rootfs::run(folder, programs),
    }
}
