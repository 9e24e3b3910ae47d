//! The speed of OCI runtimes: `cargo xtask oci-speed`. The program `oci-speed` of `benches` measures, in the sandbox.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use xshell::Shell;

use super::hierarchy::Layout;
use super::{inside, runtime, sandbox};
use crate::tools::{Outcome, cargo, metadata};

#[derive(Args)]
pub(crate) struct Options {
    /// The runtime, as a path or a name in PATH; without it, the release build of ns-oci
    #[arg(long)]
    runtime: Option<PathBuf>,
    /// Another runtime
    #[arg(long, default_values = ["crun", "runc"])]
    compare: Vec<PathBuf>,
    /// How often each runtime runs
    #[arg(long, default_value_t = 100)]
    rounds: u32,
    /// A JSON merge patch of the configuration, such as '{"linux": {"seccomp": {...}}}'
    #[arg(long = "bundle-options", default_value = "{}")]
    patch: String,
}

/// The command that is executed in the sandbox.
#[derive(Args)]
pub(crate) struct Inside {
    program: PathBuf,
    rounds: String,
    patch: String,
    #[arg(required = true, num_args = 2..)]
    runtimes_and_directory: Vec<PathBuf>,
}

pub(crate) fn run(sh: &Shell, options: &Options) -> Result<Outcome> {
    ensure!(rustix::process::geteuid().is_root(), "OCI runtimes need root: run as root");
    runtime::require_packages(sh, &options.compare)?;
    let tested = runtime::tested(sh, options.runtime.as_deref())?;
    let build = "build --quiet --release -p benches --no-default-features --bin oci-speed";
    cargo(sh, build)?;
    let program = metadata(sh)?.target_directory.join("release/oci-speed");
    let mut args = vec!["oci-speed-inside".to_owned(), program.into_string()];
    args.extend([options.rounds.to_string(), options.patch.clone()]);
    args.push(tested.display().to_string());
    for other in &options.compare {
        args.push(runtime::find(sh, other)?.display().to_string());
    }
    match sandbox::run(&args)? {
        0 => Ok(Outcome::Passed),
        status => bail!("the measurement failed with status {status}"),
    }
}

/// Executes the program as process 1 of the sandbox: its containers become its children.
pub(crate) fn run_inside(sh: &Shell, options: &Inside) -> Result<Outcome> {
    let (directory, runtimes) = options.runtimes_and_directory.split_last().context("arguments")?;
    inside::prepare(sh, directory, Layout::Machine)?;
    let mut command = Command::new(&options.program);
    command.arg(directory).args([&options.rounds, &options.patch]).args(runtimes);
    Err(command.exec()).with_context(|| options.program.display().to_string())
}
