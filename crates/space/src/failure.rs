//! What went wrong, in one line.

use std::error::Error as _;
use std::{fmt, io};

use ns_process::{Error, Step};

use crate::exit;

/// A failure of `space`, or of what it was asked to start.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Of a start or of the handle.
    Process(Error),
    /// Of a call of our own, by its name.
    Call(&'static str, io::Error),
    /// What cannot be asked for.
    Refused(String),
}

impl Failure {
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Process(error) => exit::of_error(error),
            Self::Call(..) | Self::Refused(_) => exit::FAILED,
        }
    }

    pub(crate) fn process(&self) -> Option<&Error> {
        match self {
            Self::Process(error) => Some(error),
            Self::Call(..) | Self::Refused(_) => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(error) => process(error, f),
            Self::Call(call, error) => write!(f, "{call}: {error}"),
            Self::Refused(said) => f.write_str(said),
        }
    }
}

/// The library's line, where no hint explains the errno with its text.
fn process(error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some((word, said)) = mistake(error) {
        return write!(f, "{word}: {said}");
    }
    match error.source().filter(|_| error.hint().is_none()) {
        Some(source) => write!(f, "{error}: {source}"),
        None => write!(f, "{error}"),
    }
}

/// Setters that are not typed as they are called.
const WORDS: [(&str, &str); 4] =
    [("map_zero", "--id"), ("uid_map", "--uid"), ("gid_map", "--gid"), ("target", "PID")];

/// What the library refused by its setter's name, as it was typed, and what it said.
fn mistake(error: &Error) -> Option<(String, &str)> {
    let said = error.object().filter(|_| error.step() == Step::Check)?;
    let (setter, said) = said.split_once(": ")?;
    let word = WORDS.iter().find(|(known, _)| *known == setter).map(|(_, word)| (*word).to_owned());
    Some((word.unwrap_or_else(|| format!("--{}", setter.replace('_', "-"))), said))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Process(error)
    }
}
