//! How a command is run, and what `cargo metadata` reports of this workspace.

use std::env;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};
use xshell::{Cmd, Shell, cmd};

/// How a check ended, unless it failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// Not run, or only in part; why.
    Skipped(String),
}

impl Outcome {
    pub(crate) fn unless_skipped(reasons: &[String]) -> Self {
        if reasons.is_empty() { Self::Passed } else { Self::Skipped(reasons.join("; ")) }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("ok"),
            Self::Skipped(reason) => write!(f, "skipped: {reason}"),
        }
    }
}

/// The features with which everything is tested, so that nothing is compiled twice. The step
/// `features` checks the others.
pub(crate) const FEATURES: &str = "--features ns-process/tokio";

/// A shell in the root of the workspace.
///
/// The root comes from the environment of the running cargo, not from compile time: two clones
/// that share a target directory share this program too.
pub(crate) fn shell() -> Result<Shell> {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").context("run `cargo xtask`")?);
    let sh = Shell::new()?;
    sh.change_dir(package.parent().context("xtask lies in the workspace")?);
    Ok(sh)
}

/// Runs `cargo ARGS`; the arguments are separated by spaces.
pub(crate) fn cargo(sh: &Shell, args: &str) -> Result<Outcome> {
    cargo_cmd(sh, args).run()?;
    Ok(Outcome::Passed)
}

pub(crate) fn cargo_cmd<'a>(sh: &'a Shell, args: &str) -> Cmd<'a> {
    let args = args.split_whitespace();
    cmd!(sh, "cargo {args...}")
}

/// Runs a command that prints as it goes, and returns its standard output.
pub(crate) fn run_and_read(command: Cmd<'_>) -> Result<String> {
    println!("$ {command}");
    let name = command.to_string();
    let mut child = Command::from(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| name.clone())?;
    let mut output = BufReader::new(child.stdout.take().context("stdout is a pipe")?);
    let (mut text, mut line) = (String::new(), Vec::new());
    while output.read_until(b'\n', &mut line)? > 0 {
        let part = String::from_utf8_lossy(&line);
        print!("{part}");
        text.push_str(&part);
        line.clear();
    }
    let status = child.wait()?;
    ensure!(status.success(), "`{name}` failed: {status}");
    Ok(text)
}

/// Whether `command`, such as `cargo hack --version`, succeeds.
pub(crate) fn succeeds(sh: &Shell, command: &str) -> bool {
    let mut words = command.split_whitespace();
    let command = sh.cmd(words.next().unwrap_or_default()).args(words);
    command.quiet().ignore_stdout().ignore_stderr().run().is_ok()
}

/// Fails with the way to install it unless `command` succeeds.
pub(crate) fn require(sh: &Shell, command: &str, install: &str) -> Result<()> {
    ensure!(succeeds(sh, command), "`{command}` failed; to install it: {install}");
    Ok(())
}

/// Runs `rustup ARGS` and returns whether it succeeded. A machine without network must not delay
/// the other checks.
pub(crate) fn rustup(sh: &Shell, args: &str) -> bool {
    let args = args.split_whitespace();
    cmd!(sh, "timeout --kill-after=5 60 rustup {args...}").run().is_ok()
}

/// CI may run as root in a clone that another user owns.
pub(crate) const ANY_OWNER: [&str; 2] = ["-c", "safe.directory=*"];

/// The files that git tracks or would add, and that match one of `pathspecs`.
pub(crate) fn files(sh: &Shell, pathspecs: &[&str]) -> Result<Vec<String>> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let list = cmd!(sh, "git {ANY_OWNER...} {list...} -- {pathspecs...}").quiet().read()?;
    // A file that was deleted may still be in the index.
    Ok(list.lines().filter(|file| sh.path_exists(file)).map(ToOwned::to_owned).collect())
}

/// The members of the workspace, without their resolved dependencies.
pub(crate) fn metadata(sh: &Shell) -> Result<Metadata> {
    Ok(MetadataCommand::new().current_dir(sh.current_dir()).no_deps().exec()?)
}

/// The libraries that are published. cargo reports `publish = false` as an empty list.
pub(crate) fn libraries(metadata: &Metadata) -> impl Iterator<Item = &Package> {
    metadata.packages.iter().filter(|package| {
        let is_library = package.targets.iter().any(|target| target.kind == [TargetKind::Lib]);
        is_library && package.publish.as_ref().is_none_or(|registries| !registries.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_checks_keep_their_reasons() {
        let reasons = ["no network".to_owned(), "no rustup".to_owned()];
        let outcome = Outcome::unless_skipped(&reasons);
        assert_eq!(outcome.to_string(), "skipped: no network; no rustup");
        assert_eq!(Outcome::unless_skipped(&[]), Outcome::Passed);
    }

    #[test]
    fn a_failing_command_is_an_error() {
        let sh = shell().unwrap();
        assert_eq!(run_and_read(cmd!(sh, "printf 'a\nno newline'")).unwrap(), "a\nno newline");
        assert!(run_and_read(cmd!(sh, "false")).is_err());
        assert!(run_and_read(cmd!(sh, "/nonexistent")).is_err());
        assert!(succeeds(&sh, "true") && !succeeds(&sh, "false"));
    }

    #[test]
    fn libraries_are_published_crates() {
        let metadata = metadata(&shell().unwrap()).unwrap();
        let names: Vec<_> = libraries(&metadata).map(|package| package.name.as_str()).collect();
        assert!(names.contains(&"ns-sys") && names.contains(&"ns-process"), "{names:?}");
        assert!(!names.contains(&"ns-testbed") && !names.contains(&"xtask"), "{names:?}");
    }
}
