//! Failures, each formatted as one line.

use std::error::Error as _;
use std::{fmt, io};

use ns_process::{Error, Namespace, NamespaceFlags, Step};

use crate::exit;

/// A failure of `space` or of the requested start.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A start or a process handle failed.
    Process(Error),
    /// An option needs a new namespace of this kind; the option without its dashes.
    Needs(&'static str, Namespace),
    /// A failure of a command line that excludes namespaces.
    Excluding(Box<Failure>, NamespaceFlags),
    /// A system call of `space` failed; the name of the call, and its error.
    Call(&'static str, io::Error),
    /// The combination of options is invalid.
    Refused(String),
}

impl Failure {
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Process(error) => exit::of_error(error),
            Self::Excluding(failure, _) => failure.status(),
            Self::Refused(_) => exit::of_input(),
            Self::Needs(..) | Self::Call(..) => exit::FAILED,
        }
    }

    pub(crate) fn excluding(self, kinds: NamespaceFlags) -> Self {
        if kinds.is_empty() { self } else { Self::Excluding(Box::new(self), kinds) }
    }

    pub(crate) fn process(&self) -> Option<&Error> {
        match self {
            Self::Process(error) => Some(error),
            Self::Excluding(failure, _) => failure.process(),
            Self::Needs(..) | Self::Call(..) | Self::Refused(_) => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(NamespaceFlags::empty(), f)
    }
}

impl Failure {
    /// Writes the line. `excluded`: the kinds of namespaces that the command line excludes.
    fn write(&self, excluded: NamespaceFlags, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(error) => process(error, excluded, f),
            Self::Needs(option, kind) => {
                let reason = format!("needs a new {kind} namespace");
                write!(f, "--{option}: {reason}{}", missing_options(&reason, excluded))
            }
            Self::Excluding(failure, excluded) => failure.write(*excluded, f),
            Self::Call(call, error) => write!(f, "{call}: {error}"),
            Self::Refused(reason) => f.write_str(reason),
        }
    }
}

/// Formats an error of the library with the option names of `space`. Adds the text of the errno if there is no hint.
fn process(error: &Error, excluded: NamespaceFlags, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some((option, reason)) = invalid_option(error) {
        let (missing, reason) = (missing_options(reason, excluded), with_option_names(reason));
        return match option.as_str() {
            // The reason names the mount.
            "--mount" => f.write_str(&reason),
            _ => write!(f, "{option}: {reason}{missing}"),
        };
    }
    let line = with_option_names(&with_resource_name(error));
    match (error.hint(), error.source()) {
        (Some(hint), _) => write!(f, "{line}{}", missing_options(hint, excluded)),
        (None, Some(source)) => write!(f, "{line}: {}", without_errno_number(&source.to_string())),
        (None, None) => f.write_str(&line),
    }
}

/// Returns the line of an error, with the name that a resource has as a value of `--rlimit`.
fn with_resource_name(error: &Error) -> String {
    let line = error.to_string();
    match error.object() {
        Some(resource) if error.step() == Step::Rlimit => {
            line.replacen(resource, &format!("--rlimit {}", resource.to_lowercase()), 1)
        }
        _ => line,
    }
}

/// References to setters in hints, and the text that refers to options instead.
const REFERENCES: [(&str, &str); 3] = [
    ("use by_chroot", "--no-mnt uses chroot(2)"),
    ("see uid_map", "see --id and --uid-map"),
    ("conflicts with rootdir", "conflicts with another root"),
];

fn with_option_names(line: &str) -> String {
    REFERENCES.iter().fold(line.to_owned(), |line, (setter, option)| line.replace(setter, option))
}

/// Returns the options that create the namespaces which `reason` names as needed: those to add, and those of the
/// `excluded` kinds to remove.
fn missing_options(reason: &str, excluded: NamespaceFlags) -> String {
    let words = reason.strip_prefix("needs ").unwrap_or_default().split([' ', ',']);
    let kinds: NamespaceFlags = words.filter_map(|word| word.parse::<Namespace>().ok()).collect();
    let options = |verb, dashes, kinds: NamespaceFlags| {
        let options = kinds.kinds().map(|kind| format!(" {dashes}{}", kind.name()));
        let options: String = options.collect();
        if options.is_empty() { options } else { format!(": {verb}{options}") }
    };
    options("add", "--", kinds - excluded) + &options("remove", "--no-", kinds & excluded)
}

/// Removes the number from the text of an errno. The line already has the errno's name.
fn without_errno_number(text: &str) -> &str {
    text.split_once(" (os error").map_or(text, |(text, _)| text)
}

/// Setters whose option or operand has another name.
const OPTIONS: [(&str, &str); 10] = [
    ("affinity", "--cpu-list"),
    ("io_priority", "--ionice"),
    ("program_fd", "--exec-fd"),
    ("map_zero", "--id"),
    ("proc", "--host-proc"),
    ("capability_sets", "--drop-cap"),
    ("drop_capabilities", "--drop-cap"),
    ("keep_capabilities", "--keep-cap"),
    ("target", "PID"),
    ("program", "PROGRAM"),
];

/// Returns the option that the library rejected by the name of its setter, and the reason.
fn invalid_option(error: &Error) -> Option<(String, &str)> {
    let text = error.object().filter(|_| error.step() == Step::Check)?;
    let (setter, reason) = text.split_once(": ")?;
    // The option is added by `missing_options`.
    let reason = reason.strip_suffix(": namespace(Namespace::User)").unwrap_or(reason);
    let option = OPTIONS.iter().find(|(name, _)| *name == setter);
    let option = option.map(|(_, option)| (*option).to_owned());
    Some((option.unwrap_or_else(|| format!("--{}", setter.replace('_', "-"))), reason))
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
    fn hints_name_options_instead_of_setters() {
        // The real hint appears only if the root is the initramfs.
        let line = "space: pivot_root: rootfs: EINVAL (pivot_root cannot replace the initramfs: use by_chroot)";
        assert!(with_option_names(line).ends_with("initramfs: --no-mnt uses chroot(2))"));
        let none = NamespaceFlags::empty();
        assert_eq!(missing_options("needs new pid and mnt namespaces", none), ": add --mnt --pid");
        assert_eq!(missing_options("a user namespace mounts proc with a pid namespace", none), "");
        let excluded = missing_options("needs new pid and mnt namespaces", NamespaceFlags::PID);
        assert_eq!(excluded, ": add --mnt: remove --no-pid");
    }
}
