//! Options for the directory, streams and init of the program.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use ns_process::{Builder, Init, Stdio};

use super::quick::{Quick, Words, flag, once};

#[derive(Debug, Default, Args)]
#[command(next_help_heading = Program::HEADING)]
pub(crate) struct Program {
    /// Set the working directory, a path inside the new root
    #[arg(long, value_name = "DIR")]
    workdir: Option<PathBuf>,
    /// Create the working directory if it does not exist
    #[arg(long, requires = "workdir")]
    create_workdir: bool,
    /// Set the name under which the program sees itself, element 0 of its arguments
    #[arg(long, value_name = "NAME")]
    argv0: Option<OsString>,
    /// Read standard input from FILE, a path outside the new root
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,
    /// Append standard output to FILE, which is created if it does not exist
    #[arg(long, value_name = "FILE")]
    stdout: Option<PathBuf>,
    /// Append standard error to FILE, as with --stdout
    #[arg(long, value_name = "FILE")]
    stderr: Option<PathBuf>,
    /// Mount proc(5) for the new pid namespace on /proc; requires --pid and --mnt
    #[arg(long)]
    mount_proc: bool,
    /// Run an init as process 1, which reaps orphans and forwards signals; requires --pid
    #[arg(long)]
    init: bool,
    /// Mount point of proc(5) that space itself uses instead of /proc
    #[arg(long, value_name = "DIR")]
    host_proc: Option<PathBuf>,
}

impl Program {
    pub(crate) const HEADING: &'static str = "Program";

    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) {
        self.apply_streams(builder);
        if let Some(path) = &self.workdir {
            builder.workdir(path);
        }
        if self.create_workdir {
            builder.create_workdir();
        }
        if let Some(name) = &self.argv0 {
            builder.arg0(name);
        }
        if self.mount_proc {
            builder.mount_proc();
        }
        if self.init {
            builder.init(Init::builtin());
        }
        if let Some(mount) = &self.host_proc {
            builder.proc(mount);
        }
    }

    /// Returns the first option that needs a new namespace.
    pub(super) fn needs_new(&self) -> Option<&'static str> {
        let options = [(self.mount_proc, "--mount-proc"), (self.init, "--init")];
        options.into_iter().find_map(|(is_given, option)| is_given.then_some(option))
    }

    /// Whether the program inherits all three standard streams of the caller.
    pub(crate) fn inherits_streams(&self) -> bool {
        [&self.stdin, &self.stdout, &self.stderr].iter().all(|path| path.is_none())
    }

    fn apply_streams<Kind>(&self, builder: &mut Builder<Kind>) {
        for (number, path) in (0..).zip([&self.stdin, &self.stdout, &self.stderr]) {
            if let Some(path) = path {
                builder.fd(number, Stdio::path(path));
            }
        }
    }
}

impl Quick for Program {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        match name {
            "workdir" => once(&mut self.workdir, words.path()),
            "create-workdir" => flag(&mut self.create_workdir),
            "argv0" => once(&mut self.argv0, words.value().map(ToOwned::to_owned)),
            "stdin" => once(&mut self.stdin, words.path()),
            "stdout" => once(&mut self.stdout, words.path()),
            "stderr" => once(&mut self.stderr, words.path()),
            "mount-proc" => flag(&mut self.mount_proc),
            "init" => flag(&mut self.init),
            "host-proc" => once(&mut self.host_proc, words.path()),
            _ => None,
        }
    }
}

impl Program {
    /// Whether an option needs another one.
    pub(super) fn has_conflict(&self) -> bool {
        self.create_workdir && self.workdir.is_none()
    }
}
