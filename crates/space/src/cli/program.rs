//! What the program finds.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use ns_process::{Builder, Init, Stdio};

#[derive(Debug, Args)]
#[command(next_help_heading = Program::HEADING)]
pub(crate) struct Program {
    /// The working directory, inside a new root
    #[arg(long, value_name = "DIR")]
    workdir: Option<PathBuf>,
    /// Reads the caller's file F
    #[arg(long, value_name = "F")]
    stdin: Option<PathBuf>,
    /// Appends to the caller's file F, which is made if it is missing
    #[arg(long, value_name = "F")]
    stdout: Option<PathBuf>,
    /// As --stdout
    #[arg(long, value_name = "F")]
    stderr: Option<PathBuf>,
    /// The host name; needs --uts
    #[arg(long, value_name = "NAME")]
    hostname: Option<OsString>,
    /// Mounts /proc of the new pid namespace; needs --pid and --mnt
    #[arg(long)]
    mount_proc: bool,
    /// Has an init as process 1, which reaps and passes signals on; needs --pid
    #[arg(long)]
    init: bool,
    /// Sets a variable; may be repeated
    #[arg(long, value_name = "K=V", value_parser = OsStringValueParser::new().try_map(variable))]
    env: Vec<Variable>,
    /// Begins with an empty environment
    #[arg(long)]
    clear_env: bool,
    /// Where proc is mounted, for the caller's own use
    #[arg(long, value_name = "DIR")]
    proc: Option<PathBuf>,
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
        if let Some(mount) = &self.proc {
            builder.proc(mount);
        }
    }

    /// Whether it has the caller's.
    pub(crate) fn has_own_streams(&self) -> bool {
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
    let (key, value) = text.split_at(at.ok_or("not of the form K=V")?);
    let own = |bytes| OsStr::from_bytes(bytes).to_owned();
    Ok(Variable(own(key), own(value.get(1..).unwrap_or_default())))
}
