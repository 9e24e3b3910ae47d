//! Help texts and usage errors of clap; an error is printed as one line.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::option_of_letter;
use crate::print::one_line;
use crate::{advice, command, exit, print};

/// Prints help on stdout, or the usage error of a command line on stderr. `source` names the option that contains the
/// words, if there is one.
pub(crate) fn report(error: &Error, words: &[OsString], source: &str) -> ExitCode {
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
            print::error(&format!("{source}{}", message(error, words)));
            ExitCode::from(exit::FAILED)
        }
    }
}

/// Returns the message with advice. That for an option of another command replaces the tips of clap.
fn message(error: &Error, words: &[OsString]) -> String {
    let message = match error.kind() {
        ErrorKind::UnknownArgument => unknown(text(error, ContextKind::InvalidArg), words),
        ErrorKind::TooManyValues => {
            let option = text(error, ContextKind::InvalidArg);
            unexpected_value(option, text(error, ContextKind::InvalidValue))
        }
        ErrorKind::MissingRequiredArgument => missing(error),
        ErrorKind::MissingSubcommand => Some(format!("the verb is missing; {}", advice::verbs())),
        ErrorKind::InvalidSubcommand => unknown_verb(error),
        _ => None,
    };
    format!("{} (see --help)", message.unwrap_or_else(|| line(error)))
}

fn text(error: &Error, kind: ContextKind) -> &str {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text,
        _ => "",
    }
}

fn unknown(option: &str, words: &[OsString]) -> Option<String> {
    let verb = verb(words);
    let verb = verb.as_deref();
    if let Some(message) = attached_value(verb, option, words) {
        return Some(message);
    }
    if verb.is_none() {
        if let Some(message) = advice::without_verb(option) {
            return Some(message);
        }
    }
    let advice = advice::instead_of(verb, option)?;
    Some(format!("unexpected argument '{}' found; {advice}", one_line(option)))
}

fn unexpected_value(option: &str, value: &str) -> Option<String> {
    let advice = advice::instead_of_value(option, &one_line(value))?;
    Some(format!("unexpected value '{}' for '{option}'; {advice}", one_line(value)))
}

/// Returns the message for a value that is attached to a letter, such as `-n=FILE`. clap reads `=` or `/` as a letter.
fn attached_value(verb: Option<&str>, option: &str, words: &[OsString]) -> Option<String> {
    let mark = ["=", "/"].into_iter().find(|mark| option.strip_prefix('-') == Some(mark))?;
    let is_short = |word: &&str| word.starts_with('-') && !word.starts_with("--");
    let mut words = words.iter().filter_map(|word| word.to_str()).filter(is_short);
    let (letters, value) = words.find_map(|word| word.split_once(mark))?;
    let letter = letters.chars().last()?;
    let value = if mark == "/" { format!("/{value}") } else { value.to_owned() };
    let value = one_line(&value);
    let option = format!("--{}", option_of_letter(letter)?);
    let advice = match verb {
        Some("inject") => format!("write {option}={value}"),
        _ => advice::instead_of_value(&option, &value)?,
    };
    Some(format!("unexpected value '{value}' for '-{letter}'; {advice}"))
}

/// Returns the message for operands that are missing. The value of an option is left to clap.
fn missing(error: &Error) -> Option<String> {
    let Some(ContextValue::Strings(all)) = error.get(ContextKind::InvalidArg) else { return None };
    let name = |text: &String| Some(text.strip_prefix('<')?.split_once('>')?.0.to_owned());
    let names: Vec<_> = all.iter().map(name).collect::<Option<_>>()?;
    Some(match &names[..] {
        [program] if program == "PROGRAM" => "PROGRAM is missing; for a shell, write sh".to_owned(),
        [name] => format!("{name} is missing"),
        names => format!("{} are missing", names.join(" and ")),
    })
}

fn unknown_verb(error: &Error) -> Option<String> {
    let word = text(error, ContextKind::InvalidSubcommand);
    let advice = match error.get(ContextKind::SuggestedSubcommand) {
        _ if advice::instead_of_verb(word).is_some() => advice::instead_of_verb(word)?,
        Some(ContextValue::Strings(known)) => {
            format!("a similar verb exists: '{}'", known.first()?)
        }
        Some(ContextValue::String(known)) => format!("a similar verb exists: '{known}'"),
        _ => advice::verbs(),
    };
    Some(format!("unrecognized verb '{}'; {advice}", one_line(word)))
}

/// Returns the first word that is a verb.
fn verb(words: &[OsString]) -> Option<String> {
    let command = command();
    let mut words = words.iter().skip(1);
    let verb = words.find_map(|word| command.find_subcommand(word))?;
    Some(verb.get_name().to_owned())
}

/// Joins the message of clap and its tips, without the usage that follows.
fn line(error: &Error) -> String {
    let text = rendered(error);
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let kept =
        lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let has_tip = has_suggestion(error);
    // A mistyped option is more likely than one that was meant for the program.
    let kept = kept.filter(|line| {
        !line.starts_with("tip: to pass") && (has_tip || !line.starts_with("tip: a similar"))
    });
    let kept: Vec<_> = kept.map(|line| line.strip_prefix("tip: ").unwrap_or(line)).collect();
    kept.join("; ").replace(":; ", ": ")
}

/// Returns the text of clap, in which a word of the command line has no line breaks.
fn rendered(error: &Error) -> String {
    let mut text = error.render().to_string();
    for (_, value) in error.context() {
        if let ContextValue::String(word) = value {
            let shown = one_line(word);
            if shown != *word {
                text = text.replace(word, &shown);
            }
        }
    }
    text
}

/// Whether the option that clap suggests is similar to the one that is typed.
fn has_suggestion(error: &Error) -> bool {
    match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(known)) => {
            advice::is_close(text(error, ContextKind::InvalidArg), known)
        }
        _ => true,
    }
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
        assert_eq!(program, "PROGRAM is missing; for a shell, write sh (see --help)");
        let verb = usage_error(&["space", "frob"]);
        assert_eq!(
            verb,
            "unrecognized verb 'frob'; the verbs are execute, chroot, inject, list, doctor (see --help)"
        );
        let map = usage_error(&["space", "execute", "-M", "0 x", "ls"]);
        assert!(map.contains("'0 x'") && !map.contains('\n'), "{map}");
    }
}
