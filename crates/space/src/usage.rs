//! What clap says of a command line, as help or in one line.

use std::process::ExitCode;

use clap::Error;
use clap::error::ErrorKind;

use crate::exit;

/// Prints help on stdout, or a mistake on stderr.
pub(crate) fn explain(error: &Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let printed = error.print();
            ExitCode::from(if printed.is_ok() { 0 } else { exit::FAILED })
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // On stderr; nothing is left to be told if that is closed.
            let _ = error.print();
            ExitCode::from(exit::FAILED)
        }
        _ => {
            eprintln!("space: {}", line(&error.render().to_string()));
            ExitCode::from(exit::FAILED)
        }
    }
}

/// The message and its tips, without the usage that follows.
fn line(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let told =
        lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    // How to pass an unknown option to a program is no advice for one that was mistyped.
    let told = told.filter(|line| !line.starts_with("tip: to pass"));
    let told: Vec<_> = told.map(|line| line.strip_prefix("tip: ").unwrap_or(line)).collect();
    format!("{} (see --help)", told.join("; ").replace(":; ", ": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(args: &[&str]) -> String {
        line(&crate::parse(args).expect_err("a mistake").render().to_string())
    }

    #[test]
    fn a_mistake_is_one_line_with_what_to_do() {
        let option = said(&["space", "execute", "--usr", "ls"]);
        assert_eq!(
            option,
            "unexpected argument '--usr' found; a similar argument exists: '--user' (see --help)"
        );
        let program = said(&["space", "execute", "--all"]);
        assert!(
            program.starts_with("the following required arguments were not provided: <PROGRAM>")
        );
        let map = said(&["space", "execute", "-M", "0 x", "ls"]);
        assert!(map.contains("'0 x'") && !map.contains('\n'), "{map}");
    }
}
