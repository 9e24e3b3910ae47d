//! Output on stdout, with colours only on a terminal.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::exit;
use crate::failure::errno;

/// Prints a text that may contain colour sequences.
pub(crate) fn text(text: &str) -> ExitCode {
    done(anstream::stdout().write_all(text.as_bytes()))
}

/// Prints a value as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> ExitCode {
    let line = serde_json::to_string(value).map_err(io::Error::from);
    done(line.and_then(|line| writeln!(io::stdout(), "{line}")))
}

/// Escapes what would break a line of text or change the terminal, such as newlines and escape sequences.
pub(crate) fn one_line(text: &str) -> String {
    // These need no escape.
    let parts = text.split_inclusive(['"', '\'', '\\']);
    let escaped = parts.map(|part| {
        let body = part.trim_end_matches(['"', '\'', '\\']);
        format!("{}{}", body.escape_debug(), &part[body.len()..])
    });
    escaped.collect()
}

/// Prints a message on stderr. If it cannot be written, there is no other place to report it.
pub(crate) fn error(message: &str) {
    let _ = writeln!(io::stderr(), "space: {message}");
}

fn done(printed: io::Result<()>) -> ExitCode {
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            self::error(&format!("stdout: {}", errno::text(&error)));
            ExitCode::from(exit::FAILED)
        }
    }
}
