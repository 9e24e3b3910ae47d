//! Options for the environment of the program.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use ns_process::{Builder, Init, Stdio};

#[derive(Debug, Args)]
#[command(next_help_heading = Program::HEADING)]
pub(crate) struct Program {
    /// Set the working directory, a path inside the new root
    #[arg(long, value_name = "DIR")]
    workdir: Option<PathBuf>,
    /// Read standard input from FILE, a path outside the new root
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,
    /// Append standard output to FILE, which is created if it does not exist
    #[arg(long, value_name = "FILE")]
    stdout: Option<PathBuf>,
    /// Append standard error to FILE, as with --stdout
    #[arg(long, value_name = "FILE")]
    stderr: Option<PathBuf>,
    /// Set the host name; requires --uts
    #[arg(long, value_name = "NAME")]
    hostname: Option<OsString>,
    /// Mount proc(5) for the new pid namespace on /proc; requires --pid and --mnt
    #[arg(long)]
    mount_proc: bool,
    /// Run an init as process 1, which reaps orphans and forwards signals; requires --pid
    #[arg(long)]
    init: bool,
    /// Set an environment variable; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = OsStringValueParser::new().try_map(variable))]
    env: Vec<Variable>,
    /// Start with an empty environment, to which --env adds
    #[arg(long)]
    clear_env: bool,
    /// Mount point of proc(5) that space itself uses instead of /proc
    #[arg(long, value_name = "DIR")]
    host_proc: Option<PathBuf>,
}

#[derive(Clone, Debug)]
struct Variable(OsString, OsString);

impl Program {
    pub(crate) const HEADING: &'static str = "Program";

    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) {
        self.apply_environment(builder);
        self.apply_streams(builder);
        if let Some(path) = &self.workdir {
            builder.workdir(path);
        }
        if let Some(name) = &self.hostname {
            builder.hostname(name);
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

    /// Whether the program inherits all three standard streams of the caller.
    pub(crate) fn inherits_streams(&self) -> bool {
        [&self.stdin, &self.stdout, &self.stderr].iter().all(|path| path.is_none())
    }

    fn apply_environment<Kind>(&self, builder: &mut Builder<Kind>) {
        if self.clear_env {
            builder.env_clear();
        }
        builder.envs(self.env.iter().map(|Variable(key, value)| (key, value)));
    }

    fn apply_streams<Kind>(&self, builder: &mut Builder<Kind>) {
        for (number, path) in (0..).zip([&self.stdin, &self.stdout, &self.stderr]) {
            if let Some(path) = path {
                builder.fd(number, Stdio::path(path));
            }
        }
    }
}

fn variable(text: OsString) -> Result<Variable, &'static str> {
    let text = text.into_vec();
    let at = text.iter().position(|byte| *byte == b'=').filter(|at| *at > 0);
    let (key, value) = text.split_at(at.ok_or("not of the form NAME=VALUE")?);
    let own = |bytes| OsStr::from_bytes(bytes).to_owned();
    Ok(Variable(own(key), own(value.get(1..).unwrap_or_default())))
}
