//! The developer commands of this workspace: `cargo xtask COMMAND`.

mod bench;
mod ci;
mod cross;
mod dist;
mod engines;
mod examples;
mod features;
mod fence;
mod fuzz;
mod instructions;
mod layers;
mod package;
mod public_api;
mod stress;
mod tidy;
mod tools;
mod whole_process;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tools::{Outcome, cargo, require, shell};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The developer commands of this workspace")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything that CI runs, in order; stop at the first failure
    Ci,
    /// Check the source tree: the fence, where unsafe code is allowed, layout and spelling
    Tidy,
    /// Check the dependencies between the crates, and on crates of others
    Layers,
    /// Check each published crate without features, with each feature alone, and with all
    Features,
    /// Check the published crates with the oldest Rust they support
    Msrv,
    /// Compile the library crates for the other processors that have assembly of their own
    Cross,
    /// Package the crates as they are published, and build each from its package
    Package,
    /// Run every example and check what it prints
    Examples,
    /// Compare the public API of each crate with its snapshot (cargo-public-api)
    PublicApi {
        /// Write the snapshots
        #[arg(long)]
        bless: bool,
    },
    /// Run the tests at full counts, in release mode, and other long checks
    Stress {
        /// Only this run; without a name, all of them
        name: Option<String>,
        /// Only tests whose name contains this
        #[arg(requires = "name")]
        filter: Option<String>,
    },
    /// Start, inject, kill and drop from many threads, then look for leaks
    Soak {
        /// How long
        #[arg(long, default_value_t = 20)]
        minutes: u64,
        /// From how many threads
        #[arg(long, default_value_t = 8)]
        threads: u64,
    },
    /// Run each fuzz target for a limited time; the corpus and failing inputs are kept in target/fuzz
    Fuzz(fuzz::Options),
    /// Change the code of a crate in small ways, and list the changes that no test detects
    Mutants {
        /// The crate
        package: String,
        /// Only this part, as 1/4
        #[arg(long)]
        shard: Option<String>,
    },
    /// Run the benchmarks of each layer, or plot how the cost of a start grows
    Bench(bench::Options),
    /// Measure every promised speed and count, and fail where one is missed; needs a quiet machine
    Gates(bench::Gates),
    /// Compare instruction counts with those in benches/instructions.txt (valgrind)
    Instructions {
        /// Write the counts to that file
        #[arg(long)]
        save: bool,
    },
    /// Compare `space` with unshare(1) and bwrap(1), as commands; needs a quiet machine
    WholeProcess,
    /// Build `space` as one static file, with manual pages and completions
    Dist,
    /// Run container engines with an OCI runtime, and print which cases pass; needs root
    Engines(engines::Options),
    #[command(hide = true)]
    EnginesInside(engines::Inside),
    /// Compare the time of OCI runtimes to create, start and delete a container; needs root
    OciSpeed(engines::speed::Options),
    #[command(hide = true)]
    OciSpeedInside(engines::speed::Inside),
    #[command(hide = true)]
    ReceiveTerminal(engines::terminal::Options),
}

/// Prints an error on one line: returned from `main`, it would come with a backtrace.
fn main() -> ExitCode {
    match run(Cli::parse().command) {
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

fn run(command: Command) -> Result<Outcome> {
    let sh = &shell()?;
    match command {
        Command::Ci => ci::run(sh),
        Command::Tidy => tidy::run(sh),
        Command::Layers => layers::run(sh),
        Command::Features => features::run(sh),
        Command::Msrv => features::msrv(sh),
        Command::Cross => cross::run(sh),
        Command::Package => package::run(sh),
        Command::Examples => examples::run(sh),
        Command::PublicApi { bless } => public_api::run(sh, bless),
        Command::Stress { name, filter } => stress::run(sh, name.as_deref(), filter.as_deref()),
        Command::Soak { minutes, threads } => {
            let seconds = minutes * 60;
            cargo(sh, &format!("run -q --release -p fuzz --bin soak -- {seconds} {threads}"))
        }
        Command::Fuzz(options) => fuzz::run(sh, &options),
        Command::Mutants { package, shard } => {
            require(sh, "cargo mutants --version", "cargo install cargo-mutants")?;
            let shard = shard.map(|part| format!(" --shard {part}")).unwrap_or_default();
            cargo(sh, &format!("mutants --package {package} --output target{shard}"))
        }
        Command::Bench(options) => bench::run(sh, &options),
        Command::Gates(options) => bench::gates(sh, &options),
        Command::Instructions { save } => instructions::run(sh, save),
        Command::WholeProcess => whole_process::run(sh),
        Command::Dist => dist::run(sh),
        Command::Engines(options) => engines::run(sh, &options),
        Command::EnginesInside(options) => engines::run_inside(sh, &options),
        Command::OciSpeed(options) => engines::speed::run(sh, &options),
        Command::OciSpeedInside(options) => engines::speed::run_inside(sh, &options),
        Command::ReceiveTerminal(options) => engines::terminal::run(&options),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
