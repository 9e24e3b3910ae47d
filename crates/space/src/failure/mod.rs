//! Failures, each formatted as one line.

mod advice;
pub(crate) mod errno;
mod origin;
mod rewording;
mod steps;
mod typed;

use std::error::Error as _;
use std::path::PathBuf;
use std::{fmt, io};

use ns_process::{Error, Namespace, Step};

use advice::{advice, missing_options, reason};
pub(crate) use origin::{Origin, Origins};
use rewording::reword;

use crate::{exit, print};

/// A failure of `space` or of the requested start.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A start or a process handle failed.
    Process(Error),
    /// `--keep` failed to bind a namespace of this kind to this file.
    Keep(Namespace, PathBuf, Error),
    /// An option needs a new namespace of this kind; the option without its dashes.
    Needs(&'static str, Namespace),
    /// A failure of a command line with these options.
    Of(Box<Failure>, Box<Origin>),
    /// A system call of `space` failed; the name of the call, and its error.
    Call(&'static str, io::Error),
    /// The combination of options is invalid.
    Refused(String),
}

impl Failure {
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Process(error) => exit::of_error(error),
            Self::Of(failure, _) => failure.status(),
            Self::Refused(_) => exit::of_input(),
            Self::Keep(..) | Self::Needs(..) | Self::Call(..) => exit::FAILED,
        }
    }

    /// Adds what is known about the command line.
    pub(crate) fn of(self, origin: Origin) -> Self {
        Self::Of(Box::new(self), Box::new(origin))
    }

    /// The error of the library.
    pub(crate) fn process(&self) -> Option<&Error> {
        match self {
            Self::Process(error) | Self::Keep(_, _, error) => Some(error),
            Self::Of(failure, _) => failure.process(),
            Self::Needs(..) | Self::Call(..) | Self::Refused(_) => None,
        }
    }

    /// The step of an error of the library.
    pub(crate) fn step(&self) -> Option<&'static str> {
        match self {
            Self::Keep(..) => Some("keep"),
            Self::Of(failure, _) => failure.step(),
            _ => self.process().map(|error| error.step().name()),
        }
    }

    /// The object of an error of the library, and its hint, in the words of the command line.
    pub(crate) fn details(&self) -> [Option<String>; 2] {
        self.details_of(&Origin::default())
    }

    fn details_of(&self, origin: &Origin) -> [Option<String>; 2] {
        match self {
            Self::Process(error) => {
                let invalid = invalid_option(error);
                let invalid = invalid.map(|(option, reason)| format!("{option}: {reason}"));
                let object = invalid.or_else(|| error.object().map(ToOwned::to_owned));
                [object, reason(error, origin)]
            }
            Self::Keep(_, file, error) => {
                [Some(file.display().to_string()), error.hint().map(reword)]
            }
            Self::Of(failure, origin) => failure.details_of(origin),
            Self::Needs(..) | Self::Call(..) | Self::Refused(_) => [None, None],
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(&Origin::default(), f)
    }
}

impl Failure {
    fn write(&self, origin: &Origin, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(error) => process(error, origin, f),
            Self::Keep(kind, file, error) => {
                let file = print::one_line(&file.display().to_string());
                write!(f, "--keep {kind}={file}")?;
                write_errno(error, error.hint().map(reword), f)
            }
            Self::Needs(option, kind) => {
                let reason = format!("needs a new {kind} namespace");
                write!(f, "--{option}: {reason}{}", missing_options(&reason, origin))
            }
            Self::Of(failure, origin) => failure.write(origin, f),
            Self::Call(call, error) => write!(f, "{call}: {}", errno::text(error)),
            Self::Refused(reason) => f.write_str(reason),
        }
    }
}

/// Formats an error of the library in the words of the command line.
fn process(error: &Error, origin: &Origin, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some((option, reason)) = invalid_option(error) {
        return invalid(&option, reason, origin, f);
    }
    if origin.lacks_proc(error) {
        let proc = origin.host_proc().unwrap_or_else(|| "/proc".to_owned());
        return write!(f, "{proc}: proc is not mounted");
    }
    f.write_str(&origin.subject(error))?;
    write_errno(error, reason(error, origin), f)?;
    f.write_str(&advice(error, origin))
}

/// Formats an invalid setting.
fn invalid(option: &str, reason: &str, origin: &Origin, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if origin.joins && advice::is_of_new_namespaces(reason) {
        return write!(
            f,
            "inject does not accept {option}: it joins namespaces and creates none; use execute"
        );
    }
    let text = print::one_line(&reword(reason));
    match option {
        // The reason names the mount.
        "--mount" => f.write_str(&text),
        _ => write!(f, "{}: {text}{}", origin.setting(option), missing_options(reason, origin)),
    }
}

/// Formats the errno of an error, and the reason or else the text of the errno.
fn write_errno(error: &Error, reason: Option<String>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some(name) = errno_name(error) {
        write!(f, ": {name}")?;
    }
    let text = || Some(errno::without_number(&error.source()?.to_string()).to_owned());
    match reason.or_else(text) {
        Some(reason) => write!(f, " ({reason})"),
        None => Ok(()),
    }
}

/// Returns the name of an error's errno, which ends its line unless a hint follows.
fn errno_name(error: &Error) -> Option<String> {
    error.errno()?;
    let line = error.to_string();
    let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let (_, name) = line.strip_suffix(&hint)?.rsplit_once(": ")?;
    Some(name.to_owned())
}

/// Returns the option that the library rejected by the name of its setter, and the reason.
fn invalid_option(error: &Error) -> Option<(String, &str)> {
    let text = error.object().filter(|_| error.step() == Step::Check)?;
    let (setter, reason) = text.split_once(": ")?;
    // The name of a variable follows the setter. The option that was typed contains it.
    let setter = setter
        .split_once(' ')
        .filter(|(setter, _)| *setter == "env")
        .map_or(setter, |(env, _)| env);
    let reason = without_value(reason);
    // The option is added by `missing_options`.
    let reason = reason.strip_suffix(": namespace(Namespace::User)").unwrap_or(reason);
    Some((rewording::option(setter), reason))
}

/// Removes the name of a kernel parameter, which the option that was typed contains.
fn without_value(reason: &str) -> &str {
    let after = reason.strip_prefix('"').and_then(|quoted| quoted.split_once("\": "));
    after.map_or(reason, |(_, after)| after)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Process(error)
    }
}

#[cfg(test)]
mod tests;
