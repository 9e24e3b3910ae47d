//! A command that is shown as one would type it, and then run.

use std::env;
use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, ensure};

use crate::workspace;

/// A program with arguments and extra environment.
#[derive(Clone, Debug)]
pub(crate) struct Cmd {
    program: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Cmd {
    pub(crate) fn new(program: &str, args: &[&str]) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self { program: program.to_owned(), args, env: Vec::new() }
    }

    /// A cargo command from one line, its words split at spaces.
    pub(crate) fn cargo(line: &str) -> Self {
        Self::new("cargo", &line.split_whitespace().collect::<Vec<_>>())
    }

    pub(crate) fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Shows and runs it.
    pub(crate) fn run(&self) -> Result<()> {
        println!("$ {self}");
        let status = self.command().status();
        self.judge(status)
    }

    /// As [`Cmd::run`], and gives what it wrote on stdout, which is shown as it comes.
    pub(crate) fn run_and_read(&self) -> Result<String> {
        println!("$ {self}");
        let mut child =
            self.command().stdout(Stdio::piped()).spawn().with_context(|| self.to_string())?;
        let output = child.stdout.take().context("stdout is piped")?;
        let text = copy_lines(BufReader::new(output))?;
        self.judge(child.wait())?;
        Ok(text)
    }

    /// What it writes on stdout, unshown.
    pub(crate) fn read(&self) -> Result<String> {
        let output =
            self.command().stderr(Stdio::inherit()).output().with_context(|| self.to_string())?;
        self.judge(Ok(output.status))?;
        Ok(String::from_utf8(output.stdout)?)
    }

    fn judge(&self, status: io::Result<ExitStatus>) -> Result<()> {
        let status = status.with_context(|| format!("`{self}` did not start"))?;
        ensure!(status.success(), "`{self}` failed: {status}");
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.executable());
        command.args(&self.args).envs(self.env.iter().map(|(key, value)| (key, value)));
        command.current_dir(workspace::root()).stdin(Stdio::null());
        command
    }

    /// The cargo that runs this verb, not whichever comes first in PATH.
    fn executable(&self) -> String {
        match env::var("CARGO") {
            Ok(cargo) if self.program == "cargo" => cargo,
            _ => self.program.clone(),
        }
    }
}

impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in &self.env {
            write!(f, "{key}={} ", quoted(value))?;
        }
        f.write_str(&self.program)?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

fn quoted(word: &str) -> String {
    if word.contains([' ', '*']) { format!("'{word}'") } else { word.to_owned() }
}

/// Prints line by line and gives the whole; what is not UTF-8 is replaced.
fn copy_lines(mut from: impl BufRead) -> Result<String> {
    let mut text = String::new();
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        let part = String::from_utf8_lossy(&line);
        print!("{part}");
        text.push_str(&part);
        line.clear();
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shown_as_one_would_type_it() {
        let doc = Cmd::cargo("doc --no-deps").env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(doc.to_string(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn a_failing_program_is_an_error() {
        let error = Cmd::new("false", &[]).run().unwrap_err().to_string();
        assert_eq!(error, "`false` failed: exit status: 1");
        assert!(Cmd::new("/nonexistent", &[]).run().is_err());
        assert!(Cmd::new("sh", &["-c", "echo shown; exit 3"]).run_and_read().is_err());
    }

    #[test]
    fn all_lines_are_given() {
        let text = copy_lines(&b"a\nb\xff\nno end"[..]).unwrap();
        assert_eq!(text, "a\nb\u{fffd}\nno end");
    }
}
