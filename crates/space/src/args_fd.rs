//! `--args FD`: options that a descriptor contains.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::cli::Cli;
use crate::descriptor;

/// Replaces each `--args FD` of a valid command line by the options that the descriptor contains.
///
/// Returns `None` if there is none. An error is a message.
pub(crate) fn expand(cli: &Cli, words: &[OsString]) -> Result<Option<Vec<OsString>>, String> {
    if cli.args_fds().is_empty() {
        return Ok(None);
    }
    let program = words.len() - cli.argv().len();
    let (options, program) = words.split_at(program);
    let mut expanded = Vec::new();
    let mut rest = options.iter();
    while let Some(word) = rest.next() {
        // No other option takes a value that starts with a dash in a word of its own.
        let number = match word.as_bytes() {
            b"--args" => rest.next().map(OsString::as_os_str),
            bytes => bytes.strip_prefix(b"--args=").map(OsStr::from_bytes),
        };
        match number {
            Some(number) => expanded.extend(read(number)?),
            None => expanded.push(word.clone()),
        }
        if word == "--" {
            break;
        }
    }
    expanded.extend(rest.chain(program).cloned());
    Ok(Some(expanded))
}

/// Returns the options whose descriptors contain the words, for messages about these.
pub(crate) fn label(cli: &Cli) -> String {
    let numbers: Vec<_> = cli.args_fds().iter().map(ToString::to_string).collect();
    format!("--args {}: ", numbers.join(","))
}

fn read(number: &OsStr) -> Result<Vec<OsString>, String> {
    let bytes = descriptor::contents(number).map_err(|reason| format!("--args: {reason}"))?;
    if bytes.ends_with(b"\n") {
        let (number, text) = (number.to_string_lossy(), String::from_utf8_lossy(&bytes));
        return Err(format!(
            "--args {number}: {text:?} is not an option; each word must end with a NUL byte"
        ));
    }
    let text = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    if text.is_empty() {
        return Ok(Vec::new());
    }
    Ok(text.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect())
}
