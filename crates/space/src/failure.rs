//! What went wrong, in one line.

use std::error::Error as _;
use std::{fmt, io};

use ns_process::{Error, Namespace, NamespaceFlags, Step};

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

/// The library's line, in the words that are typed here, and where no hint explains the errno, its text.
fn process(error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some((word, said)) = mistake(error) {
        return write!(f, "{word}: {said}{}", to_add(said));
    }
    match (error.hint(), error.source()) {
        (Some(hint), _) => write!(f, "{}{}", as_typed(&error.to_string()), to_add(hint)),
        (None, Some(source)) => write!(f, "{error}: {}", without_number(&source.to_string())),
        (None, None) => write!(f, "{error}"),
    }
}

/// What a hint refers to that is typed in another way.
const REFERENCES: [(&str, &str); 2] =
    [("see by_chroot", "with --no-mnt chroot(2) is used"), ("see uid_map", "see --id and --uid")];

fn as_typed(line: &str) -> String {
    REFERENCES.iter().fold(line.to_owned(), |line, (setter, option)| line.replace(setter, option))
}

/// The options that ask for the namespaces that are needed.
fn to_add(said: &str) -> String {
    let words = said.strip_prefix("needs ").unwrap_or_default().split([' ', ',']);
    let kinds: NamespaceFlags = words.filter_map(|word| word.parse::<Namespace>().ok()).collect();
    let options = kinds.kinds().fold(String::new(), |options, kind| options + " --" + kind.name());
    if options.is_empty() { options } else { format!(": add{options}") }
}

/// The text of an errno, whose name stands before it.
fn without_number(text: &str) -> &str {
    text.split_once(" (os error").map_or(text, |(text, _)| text)
}

/// Setters that are not typed as they are called.
const WORDS: [(&str, &str); 5] = [
    ("map_zero", "--id"),
    ("uid_map", "--uid"),
    ("gid_map", "--gid"),
    ("target", "PID"),
    ("program", "PROGRAM"),
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_names_what_is_typed() {
        // Shown by itself only where the root is the initramfs.
        let line =
            "space: pivot_root: rootfs: EINVAL (the present root is the initramfs: see by_chroot)";
        assert!(as_typed(line).ends_with("initramfs: with --no-mnt chroot(2) is used)"));
        assert_eq!(to_add("needs new pid and mnt namespaces"), ": add --mnt --pid");
        assert_eq!(to_add("a user namespace mounts proc with a pid namespace"), "");
    }
}
