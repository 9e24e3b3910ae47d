//! The command line, which is that of runc.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// An OCI runtime.
#[derive(Parser)]
#[command(name = "ns-oci", disable_version_flag = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Args)]
pub(crate) struct Global {
    /// The directory of the states of containers
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Also write errors to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// The format of that file
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    /// Accepted for compatibility; all messages are errors
    #[arg(long)]
    pub(crate) debug: bool,
    /// Let systemd make the cgroups
    #[arg(long)]
    pub(crate) systemd_cgroup: bool,
    /// Who makes the cgroups
    #[arg(long, value_enum, default_value_t = CgroupManager::Cgroupfs)]
    pub(crate) cgroup_manager: CgroupManager,
    /// Whether to run without privilege: true, false or auto; it is always found out
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    pub(crate) rootless: Option<String>,
    /// Print the version
    #[arg(long, short = 'v')]
    pub(crate) version: bool,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum CgroupManager {
    Cgroupfs,
    Systemd,
    Disabled,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create a container: everything but the program is done
    Create(Create),
    /// Execute the program of a created container
    Start(Id),
    /// Create and start a container, wait for it, and delete it
    Run(Run),
    /// Print the state of a container
    State(Id),
    /// Send a signal to the first process of a container, or to all
    Kill(Kill),
    /// Delete a stopped container
    Delete(Delete),
    /// Print what a container uses
    Events(Events),
    /// Execute a program in a container
    Exec(Box<Exec>),
    /// Print the containers
    List(List),
    /// Print the processes of a container
    Ps(Ps),
    /// Suspend all processes of a container
    Pause(Id),
    /// Continue all processes of a container
    Resume(Id),
    /// Change the limits of a container
    Update(Box<Update>),
    /// Print what this runtime can do
    Features,
    /// Write a config.json
    Spec(Spec),
}

#[derive(Args)]
pub(crate) struct Id {
    /// The name of the container
    pub(crate) id: String,
}

#[derive(Args)]
pub(crate) struct Create {
    /// The name of the container
    pub(crate) id: String,
    /// The directory of config.json; by default the working directory
    #[arg(long, short, value_name = "DIR")]
    pub(crate) bundle: Option<PathBuf>,
    /// A Unix socket that receives the terminal
    #[arg(long, value_name = "SOCKET")]
    pub(crate) console_socket: Option<PathBuf>,
    /// Write the process ID to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) pid_file: Option<PathBuf>,
    /// Use chroot(2) instead of pivot_root(2)
    #[arg(long)]
    pub(crate) no_pivot: bool,
    /// Keep the session keyring of the caller
    #[arg(long)]
    pub(crate) no_new_keyring: bool,
    /// Pass this many descriptors, from 3 on
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) preserve_fds: u16,
}

#[derive(Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) create: Create,
    /// Do not wait for the container
    #[arg(long, short)]
    pub(crate) detach: bool,
    /// Do not delete the container when it has stopped
    #[arg(long)]
    pub(crate) keep: bool,
    /// Accepted for compatibility
    #[arg(long)]
    pub(crate) no_subreaper: bool,
}

#[derive(Args)]
pub(crate) struct Kill {
    /// The name of the container
    pub(crate) id: String,
    /// A name or a number
    #[arg(default_value = "TERM")]
    pub(crate) signal: String,
    /// Send it to all processes
    #[arg(long, short)]
    pub(crate) all: bool,
}

#[derive(Args)]
pub(crate) struct Delete {
    /// The name of the container
    pub(crate) id: String,
    /// Kill its processes first; it is no error if there is no such container
    #[arg(long, short)]
    pub(crate) force: bool,
}

#[derive(Args)]
pub(crate) struct Events {
    /// The name of the container
    pub(crate) id: String,
    /// Print once
    #[arg(long)]
    pub(crate) stats: bool,
    /// Print every so many seconds, until the container has stopped
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) interval: u64,
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "the options of runc")]
pub(crate) struct Exec {
    /// The name of the container
    pub(crate) id: String,
    /// The program and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<OsString>,
    /// A file with the process of the runtime-spec, instead of the options
    #[arg(long, short, value_name = "FILE")]
    pub(crate) process: Option<PathBuf>,
    /// A Unix socket that receives the terminal
    #[arg(long, value_name = "SOCKET")]
    pub(crate) console_socket: Option<PathBuf>,
    /// Write the process ID to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) pid_file: Option<PathBuf>,
    /// Do not wait for the program
    #[arg(long, short)]
    pub(crate) detach: bool,
    /// With a new terminal
    #[arg(long, short)]
    pub(crate) tty: bool,
    /// The working directory
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// Set a variable
    #[arg(long, short, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,
    /// The user and the group, as numbers
    #[arg(long, short, value_name = "UID[:GID]")]
    pub(crate) user: Option<String>,
    /// Add a supplementary group
    #[arg(long, short = 'g', value_name = "GID")]
    pub(crate) additional_gids: Vec<u32>,
    /// The SELinux context
    #[arg(long, value_name = "LABEL")]
    pub(crate) process_label: Option<String>,
    /// The AppArmor profile
    #[arg(long, value_name = "PROFILE")]
    pub(crate) apparmor: Option<String>,
    /// Forbid set-user-ID programs to change privileges
    #[arg(long)]
    pub(crate) no_new_privs: bool,
    /// Add a capability
    #[arg(long = "cap", short, value_name = "CAP")]
    pub(crate) cap: Vec<String>,
    /// Pass this many descriptors, from 3 on
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) preserve_fds: u16,
    /// A cgroup below that of the container
    #[arg(long, value_name = "PATH")]
    pub(crate) cgroup: Option<PathBuf>,
    /// Accepted for compatibility; a paused container is refused
    #[arg(long)]
    pub(crate) no_subreaper: bool,
    /// Also in a paused container, where the program does not run until it is resumed
    #[arg(long)]
    pub(crate) ignore_paused: bool,
}

#[derive(Args)]
pub(crate) struct List {
    /// The format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Names only
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Args)]
pub(crate) struct Ps {
    /// The name of the container
    pub(crate) id: String,
    /// Options of ps(1)
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) options: Vec<String>,
    /// The format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
}

#[derive(Args)]
pub(crate) struct Update {
    /// The name of the container
    pub(crate) id: String,
    /// A file with the resources of the runtime-spec, or - for standard input, instead of the options
    #[arg(long, short, value_name = "FILE")]
    pub(crate) resources: Option<PathBuf>,
    /// The weight for block devices
    #[arg(long, value_name = "N")]
    pub(crate) blkio_weight: Option<u16>,
    /// The period of the CPU limit in microseconds
    #[arg(long, value_name = "N")]
    pub(crate) cpu_period: Option<u64>,
    /// The CPU limit in microseconds of each period
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) cpu_quota: Option<i64>,
    /// What may be saved for later periods, in microseconds
    #[arg(long, value_name = "N")]
    pub(crate) cpu_burst: Option<u64>,
    /// The period of the real-time limit in microseconds
    #[arg(long, value_name = "N")]
    pub(crate) cpu_rt_period: Option<u64>,
    /// The real-time limit in microseconds of each period
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) cpu_rt_runtime: Option<i64>,
    /// The weight for the CPU
    #[arg(long, alias = "cpu-shares", value_name = "N")]
    pub(crate) cpu_share: Option<u64>,
    /// Run only when others are idle: 1 or 0
    #[arg(long, value_name = "N")]
    pub(crate) cpu_idle: Option<i64>,
    /// The CPUs that may be used
    #[arg(long, value_name = "LIST")]
    pub(crate) cpuset_cpus: Option<String>,
    /// The memory nodes that may be used
    #[arg(long, value_name = "LIST")]
    pub(crate) cpuset_mems: Option<String>,
    /// The memory limit in bytes
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true)]
    pub(crate) memory: Option<i64>,
    /// The limit of memory and swap in bytes
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true)]
    pub(crate) memory_swap: Option<i64>,
    /// The soft memory limit in bytes
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true)]
    pub(crate) memory_reservation: Option<i64>,
    /// The limit of processes
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) pids_limit: Option<i64>,
}

#[derive(Args)]
pub(crate) struct Spec {
    /// The directory of the new file; by default the working directory
    #[arg(long, short, value_name = "DIR")]
    pub(crate) bundle: Option<PathBuf>,
    /// For an ordinary user
    #[arg(long)]
    pub(crate) rootless: bool,
}
