//! Failures, each formatted as one line.

pub(crate) mod errno;
mod origin;
mod rewording;

use std::error::Error as _;
use std::{fmt, io};

use ns_process::{Error, Namespace, NamespaceFlags, Step};

pub(crate) use origin::{Origin, Origins};
use rewording::reword;

use crate::{exit, print};

/// A failure of `space` or of the requested start.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A start or a process handle failed.
    Process(Error),
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
            Self::Needs(..) | Self::Call(..) => exit::FAILED,
        }
    }

    /// Adds what is known about the command line.
    pub(crate) fn of(self, origin: Origin) -> Self {
        Self::Of(Box::new(self), Box::new(origin))
    }

    /// The object of an error of the library, and its hint, in the words of the command line.
    pub(crate) fn details(&self) -> [Option<String>; 2] {
        let Some(error) = self.process() else { return [None, None] };
        let invalid = invalid_option(error).map(|(option, reason)| format!("{option}: {reason}"));
        let object = invalid.or_else(|| error.object().map(ToOwned::to_owned));
        [object, error.hint().map(|hint| reword_hint(error, hint))]
    }

    pub(crate) fn process(&self) -> Option<&Error> {
        match self {
            Self::Process(error) => Some(error),
            Self::Of(failure, _) => failure.process(),
            Self::Needs(..) | Self::Call(..) | Self::Refused(_) => None,
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

/// Formats an error of the library in the words of the command line. Adds the text of the errno if there is no hint.
fn process(error: &Error, origin: &Origin, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some((option, reason)) = invalid_option(error) {
        let missing = missing_options(reason, origin);
        let reason = print::one_line(&reword(reason));
        return match option.as_str() {
            // The reason names the mount.
            "--mount" => f.write_str(&reason),
            _ => write!(f, "{option}: {reason}{missing}"),
        };
    }
    let subject = origin.subject(error);
    write!(f, "{}{subject}", label(error))?;
    if let Some(name) = errno_name(error) {
        write!(f, ": {name}")?;
    }
    match (error.hint(), error.source()) {
        (Some(hint), _) => {
            let hint = with_optional_mount(hint, &subject);
            write!(f, " ({}){}", reword_hint(error, &hint), missing_options(&hint, origin))
        }
        (None, Some(source)) => write!(f, ": {}", errno::without_number(&source.to_string())),
        (None, None) => Ok(()),
    }
}

/// Returns the start of an error's line up to its step: the label of `--name`.
fn label(error: &Error) -> String {
    let line = error.to_string();
    let label = line.split_once(&format!(": {}", error.step()));
    label.map_or_else(String::new, |(label, _)| format!("{label}: "))
}

/// Returns the name of an error's errno, which ends its line unless a hint follows.
fn errno_name(error: &Error) -> Option<String> {
    error.errno()?;
    let line = error.to_string();
    let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let (_, name) = line.strip_suffix(&hint)?.rsplit_once(": ")?;
    Some(name.to_owned())
}

/// Names the option for a mount whose source need not exist.
fn with_optional_mount(hint: &str, subject: &str) -> String {
    let option = subject.split(' ').next().unwrap_or_default();
    let has_optional = ["--bind", "--ro-bind", "--dev-bind"].contains(&option);
    let instead = if has_optional { format!("use {option}-try") } else { "leave it out".into() };
    hint.replace("make the mount optional", &instead)
}

/// A hint about a program may contain its path.
fn reword_hint(error: &Error, hint: &str) -> String {
    if error.step() == Step::Exec { hint.to_owned() } else { reword(hint) }
}

/// Returns the options that create the namespaces which `reason` names as needed: those to add, and those that exclude
/// them, to remove.
fn missing_options(reason: &str, origin: &Origin) -> String {
    let words = reason.strip_prefix("needs ").unwrap_or_default().split([' ', ',']);
    let kinds: NamespaceFlags = words.filter_map(|word| word.parse::<Namespace>().ok()).collect();
    let Origin { excluded, selected, .. } = *origin;
    let options = |dashes: &str, kinds: NamespaceFlags| -> Vec<String> {
        kinds.kinds().map(|kind| format!("{dashes}{}", kind.name())).collect()
    };
    let add = options("--", kinds - excluded - selected);
    let remove = options("--no-", kinds & excluded);
    let parts = [("add", add), ("remove", remove)].into_iter().filter(|(_, all)| !all.is_empty());
    let parts: Vec<_> = parts.map(|(verb, all)| format!("{verb} {}", all.join(" "))).collect();
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", and ")) }
}

/// Returns the option that the library rejected by the name of its setter, and the reason.
fn invalid_option(error: &Error) -> Option<(String, &str)> {
    let text = error.object().filter(|_| error.step() == Step::Check)?;
    let (setter, reason) = text.split_once(": ")?;
    // The option is added by `missing_options`.
    let reason = reason.strip_suffix(": namespace(Namespace::User)").unwrap_or(reason);
    Some((rewording::option(setter), reason))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Process(error)
    }
}

#[cfg(test)]
mod tests;
