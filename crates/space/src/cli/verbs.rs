//! The verbs, each with its options.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::{Control, Entered, Maps, New, Program, RefusedMaps};

/// Runs programs in Linux namespaces
#[derive(Debug, Parser)]
#[command(
    name = "space",
    version,
    args_override_self = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "\
Everything from PROGRAM on belongs to the program. It gets the terminal and the signals that space
gets, and does not outlive it.

Exit status: the program's own, or 128+N after signal N; 124 when --timeout ended it; 125 when space
itself failed; 126 when the program cannot be executed; 127 when there is none."
)]
pub struct Cli {
    /// Tells the process id and the end of the program on stderr
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    #[command(visible_alias = "run")]
    Execute(Execute),
    Chroot(Chroot),
    #[command(visible_alias = "enter")]
    Inject(Inject),
    /// Tells the namespaces of this machine, and who is in them
    #[command(after_help = "\
A line for each: its kind, its inode, how many processes are in it, the first of them, the user of that one,
and its command; where nobody is in it, the file at which it is bound. Through a pipe, between tabs.")]
    List(Listing),
    /// Tells what works here, and what to change for the rest
    Doctor(Listing),
}

/// Runs a program in new namespaces
#[derive(Debug, Args)]
#[command(after_help = "\
Example, a shell that is root and process 1: space execute --all --id --mount-proc sh")]
pub(crate) struct Execute {
    #[command(flatten)]
    pub(crate) namespaces: New,
    #[command(flatten)]
    pub(crate) maps: Maps,
    /// The directory that becomes the root
    #[arg(long, value_name = "DIR", help_heading = Program::HEADING)]
    pub(crate) rootdir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) start: Start,
}

/// Runs a program with a directory as its root
#[derive(Debug, Args)]
#[command(after_help = "\
User and mount namespaces are new unless --no-user or --no-mnt says otherwise. A program that is
linked dynamically needs its loader and its libraries inside ROOT.

Example: space chroot --pid --id rootfs /bin/ls /home")]
pub(crate) struct Chroot {
    /// The directory that becomes the root
    #[arg(value_name = "ROOT")]
    pub(crate) root: PathBuf,
    #[command(flatten)]
    pub(crate) namespaces: New,
    #[command(flatten)]
    pub(crate) maps: Maps,
    #[command(flatten)]
    pub(crate) start: Start,
}

/// Runs a program in the namespaces of another process
#[derive(Debug, Args)]
#[command(after_help = "\
In all of them, if none is selected. Those in which the caller is already are left out.

Example: space inject --user --net --uts=/run/ns/uts 4242 sh")]
pub(crate) struct Inject {
    /// The process whose namespaces are entered
    #[arg(value_name = "PID")]
    pub(crate) target: String,
    #[command(flatten)]
    pub(crate) namespaces: Entered,
    #[command(flatten)]
    pub(crate) maps: RefusedMaps,
    /// The directory of the target's that becomes the root
    #[arg(long, value_name = "DIR", help_heading = Program::HEADING)]
    pub(crate) rootdir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) start: Start,
}

/// What is started, and how, whatever it is in.
#[derive(Debug, Args)]
pub(crate) struct Start {
    #[command(flatten)]
    pub(crate) argv: Argv,
    #[command(flatten)]
    pub(crate) program: Program,
    #[command(flatten)]
    pub(crate) control: Control,
}

/// How something is told.
#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// Prints it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The program, its name first.
#[derive(Debug, Args)]
pub(crate) struct Argv {
    /// The program, by path or by a name that is looked up in PATH, and its arguments
    #[arg(
        value_names = ["PROGRAM", "ARG"],
        help_heading = None::<&str>,
        num_args = 1..,
        required = true,
        trailing_var_arg = true
    )]
    words: Vec<OsString>,
}

impl Argv {
    pub(crate) fn program(&self) -> &OsStr {
        self.words.first().map(OsString::as_os_str).unwrap_or_default()
    }

    pub(crate) fn args(&self) -> &[OsString] {
        self.words.get(1..).unwrap_or_default()
    }
}

impl Cli {
    /// The program and its arguments; none for the verbs that run none.
    pub fn argv(&self) -> &[OsString] {
        match &self.verb {
            Verb::Execute(Execute { start, .. })
            | Verb::Chroot(Chroot { start, .. })
            | Verb::Inject(Inject { start, .. }) => &start.argv.words,
            Verb::List(_) | Verb::Doctor(_) => &[],
        }
    }
}
