//! Help texts and usage errors of clap; an error is printed as one line.

use std::process::ExitCode;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::{advice, exit};

/// Prints help on stdout, or a usage error on stderr.
pub(crate) fn report(error: &Error) -> ExitCode {
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
            eprintln!("space: {}", message(error));
            ExitCode::from(exit::FAILED)
        }
    }
}

/// Returns the message with advice. That for an option of another command replaces the tips of clap.
fn message(error: &Error) -> String {
    let advice = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) if error.kind() == ErrorKind::UnknownArgument => {
            advice::instead_of(option).map(|advice| {
                format!("unexpected argument '{option}' found; {advice} (see --help)")
            })
        }
        _ => None,
    };
    advice.unwrap_or_else(|| line(&error.render().to_string()))
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
        message(&crate::parse(args.iter().copied()).expect_err("a usage error"))
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
        let map = usage_error(&["space", "execute", "-M", "0 x", "ls"]);
        assert!(map.contains("'0 x'") && !map.contains('\n'), "{map}");
    }
}
