//! Options for the environment variables of the program.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::builder::{ArgAction, OsStringValueParser, TypedValueParser, ValueParser};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use ns_process::Builder;

use super::ordered::{Given, in_order};
use super::quick::{Quick, Words, add, flag};
use crate::failure::{Failure, errno};
use crate::input;

const HEADING: &str = "Environment, changed in the order of the options";

/// The options that may be repeated. `setenv` is that of bwrap(1).
const OPTIONS: [&str; 4] = ["env", "setenv", "env-file", "unset-env"];

/// The changes of the environment.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    is_cleared: bool,
    given: Vec<Given>,
}

impl Environment {
    /// Changes the environment. Reads the files of `--env-file`.
    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) -> Result<(), Failure> {
        if self.is_cleared {
            builder.env_clear();
        }
        for given in &self.given {
            match given.name {
                "env" => {
                    let [text] = given.values();
                    let (name, value) = variable(text.as_bytes())
                        .map_err(|reason| Failure::Refused(format!("--env: {reason}")))?;
                    builder.env(name, value);
                }
                "setenv" => {
                    let [name, value] = given.values();
                    builder.env(name, value);
                }
                "env-file" => {
                    let [path] = given.values();
                    read(builder, Path::new(path))
                        .map_err(|reason| Failure::Refused(format!("--env-file: {reason}")))?;
                }
                _ => {
                    let [name] = given.values();
                    builder.env_remove(name);
                }
            }
        }
        Ok(())
    }
}

/// Sets the variables of a file. An error is a message.
fn read<Kind>(builder: &mut Builder<Kind>, path: &Path) -> Result<(), String> {
    let text = input::contents_of(path)
        .map_err(|error| format!("{}: {}", path.display(), errno::text(&error)))?;
    for (number, text) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        if text.trim_ascii().is_empty() || text.starts_with(b"#") {
            continue;
        }
        let (name, value) =
            line(text).map_err(|reason| format!("{}:{number}: {reason}", path.display()))?;
        builder.env(name, value);
    }
    Ok(())
}

/// Splits a line of a file. Its name has no space, unlike that of `export A=B`, which a shell would read.
fn line(text: &[u8]) -> Result<(&OsStr, &OsStr), String> {
    let (name, value) = variable(text)?;
    if name.as_bytes().iter().any(u8::is_ascii_whitespace) {
        return Err(format!("{name:?} is not a variable name"));
    }
    Ok((name, value))
}

/// Splits `NAME=VALUE`.
fn variable(text: &[u8]) -> Result<(&OsStr, &OsStr), &'static str> {
    let at = text.iter().position(|byte| *byte == b'=').filter(|at| *at > 0);
    let (name, value) = text.split_at(at.ok_or("not of the form NAME=VALUE")?);
    Ok((OsStr::from_bytes(name), OsStr::from_bytes(value.get(1..).unwrap_or_default())))
}

/// Checks the form at parse time, so that the message is that of an invalid value.
fn checked(text: OsString) -> Result<OsString, &'static str> {
    variable(text.as_bytes()).map(|_| ())?;
    Ok(text)
}

fn option(name: &'static str, values: &'static [&'static str], help: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).action(ArgAction::Append).help(help);
    let arg = arg.value_names(values).num_args(values.len()).help_heading(HEADING);
    arg.value_parser(ValueParser::os_string())
}

impl FromArgMatches for Environment {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { is_cleared: matches.get_flag("clear-env"), given: in_order(matches, OPTIONS) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        Self::from_arg_matches(matches).map(|new| *self = new)
    }
}

impl Args for Environment {
    fn augment_args(command: Command) -> Command {
        let env = option("env", &["NAME=VALUE"], "Set a variable");
        let env = env.value_parser(OsStringValueParser::new().try_map(checked));
        let file = "Set the variables of a file: lines NAME=VALUE; empty lines and those that start with # are skipped";
        let clear = Arg::new("clear-env").long("clear-env").alias("clearenv");
        let clear = clear.action(ArgAction::SetTrue).help_heading(HEADING);
        command
            .arg(env)
            .arg(option("setenv", &["NAME", "VALUE"], "Set a variable").hide(true))
            .arg(option("env-file", &["FILE"], file))
            .arg(option("unset-env", &["NAME"], "Remove a variable").alias("unsetenv"))
            .arg(clear.help("Start with an empty environment, to which the other options add"))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl Quick for Environment {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        let (name, count) = match name {
            "env" => ("env", 1),
            "setenv" => ("setenv", 2),
            "env-file" => ("env-file", 1),
            "unset-env" | "unsetenv" => ("unset-env", 1),
            "clear-env" | "clearenv" => return flag(&mut self.is_cleared),
            _ => return None,
        };
        let given = Given::new(name, words.values(count)?);
        if name == "env" {
            let [text] = given.values();
            variable(text.as_bytes()).ok()?;
        }
        add(&mut self.given, Some(given))
    }
}
