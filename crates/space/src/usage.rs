//! Help texts and usage errors of clap; an error is printed as one line.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::{advice, command, exit, print};

/// Prints help on stdout, or the usage error of a command line on stderr.
pub(crate) fn report(error: &Error, words: &[OsString]) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let printed = error.print();
            ExitCode::from(if printed.is_ok() { 0 } else { exit::FAILED })
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // This prints on stderr. If stderr is closed, the error cannot be reported elsewhere.
            let _ = error.print();
            ExitCode::from(exit::FAILED)
        }
        _ => {
            print::error(&message(error, words));
            ExitCode::from(exit::FAILED)
        }
    }
}

/// Returns the message with advice. That for an option of another command replaces the tips of clap.
fn message(error: &Error, words: &[OsString]) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let option = text(ContextKind::InvalidArg).unwrap_or_default();
    let advice = match error.kind() {
        ErrorKind::UnknownArgument => {
            let advice = advice::instead_of(verb(words).as_deref(), option);
            advice.map(|advice| format!("unexpected argument '{option}' found; {advice}"))
        }
        ErrorKind::TooManyValues => {
            let value = text(ContextKind::InvalidValue).unwrap_or_default();
            let advice = advice::instead_of_value(option, value);
            advice.map(|advice| format!("unexpected value '{value}' for '{option}'; {advice}"))
        }
        ErrorKind::InvalidSubcommand if error.get(ContextKind::SuggestedSubcommand).is_none() => {
            let word = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            Some(format!("unrecognized subcommand '{word}'; {}", advice::verbs()))
        }
        _ => None,
    };
    advice.map_or_else(
        || line(&error.render().to_string()),
        |advice| format!("{advice} (see --help)"),
    )
}

/// Returns the first word that is a verb.
fn verb(words: &[OsString]) -> Option<String> {
    let command = command();
    let mut words = words.iter().skip(1);
    let verb = words.find_map(|word| command.find_subcommand(word))?;
    Some(verb.get_name().to_owned())
}

/// Joins the message and its tips, without the usage that follows.
fn line(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let kept =
        lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    // A mistyped option is more likely than one that was meant for the program.
    let kept = kept.filter(|line| !line.starts_with("tip: to pass"));
    let kept: Vec<_> = kept.map(|line| line.strip_prefix("tip: ").unwrap_or(line)).collect();
    format!("{} (see --help)", kept.join("; ").replace(":; ", ": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage_error(args: &[&str]) -> String {
        let error = crate::parse(args.iter().copied()).expect_err("a usage error");
        message(&error, &args.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_usage_error_is_one_line_with_advice() {
        let option = usage_error(&["space", "execute", "--usr", "ls"]);
        assert_eq!(
            option,
            "unexpected argument '--usr' found; a similar argument exists: '--user' (see --help)"
        );
        let program = usage_error(&["space", "execute", "--all"]);
        assert!(
            program.starts_with("the following required arguments were not provided: <PROGRAM>")
        );
        let verb = usage_error(&["space", "frob"]);
        assert_eq!(
            verb,
            "unrecognized subcommand 'frob'; the verbs are execute, chroot, inject, list, doctor (see --help)"
        );
        let map = usage_error(&["space", "execute", "-M", "0 x", "ls"]);
        assert!(map.contains("'0 x'") && !map.contains('\n'), "{map}");
    }
}
