//! The verbs, each with its options.

use std::ffi::{OsStr, OsString};
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, Args, Parser, Subcommand};
use ns_process::Namespace;

use super::namespaces::kind;
use super::{
    Control, Deferred, Descriptors, Environment, Ids, Join, JoinedNamespaces, Kept, Limits, Maps,
    Mounts, NewNamespaces, Parameters, Privileges, Program, RefusedMaps, Scheduling,
};

/// Run programs in Linux namespaces
#[derive(Debug, Parser)]
#[command(
    name = "space",
    version,
    args_override_self = true,
    max_term_width = 100,
    subcommand_help_heading = "Verbs",
    subcommand_value_name = "VERB",
    after_help = "\
Everything from PROGRAM on belongs to the program. The program keeps the terminal, receives the \
signals that are sent to space, and does not outlive space.

Exit status:
  N      the exit status of the program
  128+N  signal N killed the program
  124    --timeout expired
  125    space itself failed
  126    the program cannot be executed
  127    the program was not found"
)]
pub struct Cli {
    /// Print the process ID and the exit status of the program on stderr, for a verb that starts one
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a program in new namespaces
    #[command(
        visible_alias = "run",
        after_help = "\
An ordinary user needs --user for all other namespaces. In a new user namespace, mounts need --id \
or another map. DEST is a path from the root. Without a new root, it is created on the host, where \
it remains.

Example:
  space execute --all --id --mount-proc sh   a shell that is root and process 1"
    )]
    Execute(Deferred<Execute>),
    /// Run a program in another root directory
    #[command(after_help = "\
New user and mount namespaces are created unless --no-user or --no-mnt is given. A dynamically \
linked program needs its loader and its libraries inside ROOT.

Example:
  space chroot --pid --id rootfs /bin/ls /home")]
    Chroot(Deferred<Chroot>),
    /// Run a program in the namespaces of another process
    #[command(
        visible_alias = "enter",
        after_help = "\
Without an option that selects a namespace, the program joins all namespaces of the process. \
Namespaces that the caller shares with the process are left out. PID is left out if a file is given \
for each namespace.

Examples:
  space inject --user --net --uts=/run/ns/uts 4242 sh
  space inject --net=/run/ns/net ip address"
    )]
    Inject(Deferred<Inject>),
    /// `inject` without a process, which has a parser of its own.
    #[command(skip)]
    Join(Join),
    /// List the namespaces of this machine and their processes
    #[command(after_help = "\
Columns:
  KIND       cgroup, ipc, mnt, net, pid, time, user or uts
  INODE      inode number that identifies the namespace
  PROCESSES  number of processes in the namespace
  PID        first process
  UID        user of the first process, or owner of an empty namespace
  COMMAND    command of the first process, or file that keeps the namespace

If stdout is not a terminal, there is no header, and tabs separate the columns.")]
    List(Deferred<Filter>),
    /// Report what works on this machine, and how to enable the rest
    #[command(after_help = "\
Exit status:
  0    everything that new namespaces need works
  1    a kind of namespace is missing, or a user namespace or a new proc cannot be made
  125  space itself failed")]
    Doctor(Deferred<Listing>),
}

/// The options and operands of `execute`.
#[derive(Debug, Default, Args)]
pub(crate) struct Execute {
    #[command(flatten)]
    pub(crate) namespaces: NewNamespaces,
    #[command(flatten)]
    pub(crate) kept: Kept,
    #[command(flatten)]
    pub(crate) maps: Maps,
    #[command(flatten)]
    pub(crate) ids: Ids,
    #[command(flatten)]
    pub(crate) mounts: Mounts,
    /// Change the root directory to DIR
    #[arg(long, value_name = "DIR", help_heading = Program::HEADING)]
    pub(crate) rootdir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) start: Start,
}

/// The options and operands of `chroot`.
#[derive(Debug, Default, Args)]
pub(crate) struct Chroot {
    /// Directory that becomes the root
    #[arg(value_name = "ROOT")]
    pub(crate) root: PathBuf,
    #[command(flatten)]
    pub(crate) namespaces: NewNamespaces,
    #[command(flatten)]
    pub(crate) kept: Kept,
    #[command(flatten)]
    pub(crate) maps: Maps,
    #[command(flatten)]
    pub(crate) ids: Ids,
    #[command(flatten)]
    pub(crate) mounts: Mounts,
    #[command(flatten)]
    pub(crate) start: Start,
}

/// The options and operands of `inject`.
#[derive(Debug, Default, Args)]
#[command(mut_args(of_inject))]
pub(crate) struct Inject {
    /// Process ID of the process whose namespaces are joined
    #[arg(value_name = "PID")]
    pub(crate) target: String,
    #[command(flatten)]
    pub(crate) namespaces: JoinedNamespaces,
    #[command(flatten)]
    pub(crate) maps: RefusedMaps,
    #[command(flatten)]
    pub(crate) ids: Ids,
    #[command(flatten)]
    pub(crate) of_process: OfProcess,
    /// Change the root directory to DIR, a path in the joined mount namespace
    #[arg(long, value_name = "DIR", help_heading = Program::HEADING)]
    pub(crate) rootdir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) start: Start,
}

/// What the program takes over from the process, besides its namespaces.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct OfProcess {
    /// Limit the program to the privileges of the process
    #[arg(long)]
    pub(crate) match_privileges: bool,
    /// Move the program to the cgroup of the process
    #[arg(long)]
    pub(crate) join_cgroup: bool,
    /// Use the root and the working directory of the process
    #[arg(long, conflicts_with = "rootdir")]
    pub(crate) follow_root: bool,
}

impl OfProcess {
    /// Returns the first option on the command line.
    pub(super) fn given(self) -> Option<&'static str> {
        let options = [
            (self.match_privileges, "--match-privileges"),
            (self.join_cgroup, "--join-cgroup"),
            (self.follow_root, "--follow-root"),
        ];
        options.into_iter().find_map(|(is_given, option)| is_given.then_some(option))
    }
}

/// Returns an option of the three verbs as `inject` shows it.
fn of_inject(option: Arg) -> Arg {
    match option.get_id().as_str() {
        "uid" => option.help("Set the user ID of the program in the joined user namespace"),
        "gid" => option.help("Set the group ID of the program in the joined user namespace"),
        "hostname" => option.help("Set the host name of the joined uts namespace"),
        "domainname" => option.help("Set the NIS domain name of the joined uts namespace"),
        "loopback" => option.help("Start the loopback device of the joined net namespace"),
        // These are parsed only to be rejected with a reason.
        "mount_proc" | "init" | "propagation" | "time_offset" => option.hide(true),
        _ => option,
    }
}

/// The program and the options that the three verbs which start one have in common.
#[derive(Debug, Default, Args)]
pub(crate) struct Start {
    #[command(flatten)]
    pub(crate) argv: Argv,
    #[command(flatten)]
    pub(crate) program: Program,
    #[command(flatten)]
    pub(crate) environment: Environment,
    #[command(flatten)]
    pub(crate) descriptors: Descriptors,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) limits: Limits,
    #[command(flatten)]
    pub(crate) scheduling: Scheduling,
    #[command(flatten)]
    pub(crate) privileges: Privileges,
    #[command(flatten)]
    pub(crate) control: Control,
}

/// The options of `list`.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// List only namespaces of these kinds, such as net or net,user; may be repeated
    #[arg(short = 't', long = "type", value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    pub(crate) kinds: Vec<Namespace>,
    /// List only the namespaces of this process
    #[arg(short, long, value_name = "PID", value_parser = pid)]
    pub(crate) pid: Option<u32>,
    /// Print only the process IDs, one per line
    #[arg(long, conflicts_with = "json")]
    pub(crate) pids: bool,
    #[command(flatten)]
    pub(crate) output: Listing,
}

/// The options of `list` and `doctor` for their output.
#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn pid(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{text:?} is not a process ID"))
}

/// The program and its arguments.
#[derive(Debug, Default, Args)]
pub(crate) struct Argv {
    /// Program to execute, a path or a name that is searched for in PATH, and its arguments
    #[arg(
        value_names = ["PROGRAM", "ARG"],
        help_heading = None::<&str>,
        num_args = 1..,
        required = true,
        trailing_var_arg = true
    )]
    words: Vec<OsString>,
}

impl Start {
    /// Returns the first option that needs a new namespace, so that `inject` does not accept it.
    pub(crate) fn needs_new(&self) -> Option<&'static str> {
        self.program.needs_new().or_else(|| self.parameters.needs_new())
    }
}

impl Argv {
    pub(super) fn set(&mut self, words: &[OsString]) {
        self.words = words.to_vec();
    }

    pub(crate) fn program(&self) -> &OsStr {
        self.words.first().map(OsString::as_os_str).unwrap_or_default()
    }

    pub(crate) fn args(&self) -> &[OsString] {
        self.words.get(1..).unwrap_or_default()
    }
}

impl Cli {
    /// Returns the program and its arguments; an empty slice for a verb that starts no program.
    pub fn argv(&self) -> &[OsString] {
        self.start().map(|start| start.argv.words.as_slice()).unwrap_or_default()
    }

    /// Returns the descriptors of `--args`.
    pub(crate) fn args_fds(&self) -> &[RawFd] {
        self.start().map(|start| start.descriptors.args()).unwrap_or_default()
    }

    /// The time limit, if one is given.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.start().and_then(|start| start.control.timeout)
    }

    /// Whether `--die-with-parent` is given.
    pub(crate) fn dies_with_parent(&self) -> bool {
        self.start().is_some_and(|start| start.control.die_with_parent)
    }

    pub(crate) fn start(&self) -> Option<&Start> {
        match &self.verb {
            Verb::Execute(Deferred(Execute { start, .. }))
            | Verb::Chroot(Deferred(Chroot { start, .. }))
            | Verb::Inject(Deferred(Inject { start, .. }))
            | Verb::Join(Join { start, .. }) => Some(start),
            Verb::List(_) | Verb::Doctor(_) => None,
        }
    }
}
