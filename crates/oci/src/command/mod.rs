//! The commands, one in each file.

mod create;
mod delete;
mod events;
mod exec;
mod features;
mod kill;
mod list;
mod pause;
mod ps;
mod run;
mod spec;
mod start;
mod state;
mod update;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use ns_process::Process;

use crate::cli::{CgroupManager, Cli, Command, Global};
use crate::log::Log;
use crate::state::Store;

/// What all commands need.
pub(crate) struct Context<'a> {
    pub(crate) log: &'a Log,
    pub(crate) store: Store,
    pub(crate) has_cgroups: bool,
}

impl<'a> Context<'a> {
    fn new(global: &Global, log: &'a Log) -> Result<Self> {
        if global.systemd_cgroup || global.cgroup_manager == CgroupManager::Systemd {
            bail!("cgroups of systemd are not supported: use --cgroup-manager cgroupfs");
        }
        let has_cgroups = global.cgroup_manager != CgroupManager::Disabled;
        Ok(Self { log, store: Store::new(global.root.as_deref()), has_cgroups })
    }
}

/// Executes a command line. The exit status is that of the program, for `run` and `exec`.
pub(crate) fn run(cli: Cli, log: &Log) -> Result<ExitCode> {
    let Some(command) = cli.command else {
        if cli.global.version {
            print(&version())?;
            return Ok(ExitCode::SUCCESS);
        }
        bail!("the command is missing; see --help");
    };
    let context = Context::new(&cli.global, log)?;
    let done = match command {
        Command::Create(args) => create::run(&context, &args),
        Command::Start(args) => start::run(&context, &args.id),
        Command::Run(args) => return run::run(&context, &args),
        Command::State(args) => state::run(&context, &args.id),
        Command::Kill(args) => kill::run(&context, &args),
        Command::Delete(args) => delete::run(&context, &args.id, args.force),
        Command::Events(args) => events::run(&context, &args),
        Command::Exec(args) => return exec::run(&context, &args),
        Command::List(args) => list::run(&context, &args),
        Command::Ps(args) => ps::run(&context, &args),
        Command::Pause(args) => pause::pause(&context, &args.id),
        Command::Resume(args) => pause::resume(&context, &args.id),
        Command::Update(args) => update::run(&context, &args),
        Command::Features => features::run(),
        Command::Spec(args) => spec::run(&args),
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("ns-oci version {version}\nspec: {}\n", oci_spec::runtime::VERSION)
}

/// Leaves a process to the parent of this one, which becomes its parent and waits for it.
///
/// `Process::into_detached` would reap a process that has exited already, and its status would be lost.
fn leave(process: Process) {
    std::mem::forget(process);
}

/// Prints text to standard output.
fn print(text: &str) -> Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("standard output")
}
