//! The end of the options: everything from PROGRAM on belongs to the program.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_testbed::argv::{AMBIGUOUS, OPTIONS, VERBS, line};

/// The arguments of `space`.
#[derive(Clone, Debug)]
pub enum CommandLine {
    /// Arbitrary words.
    Words(Vec<OsString>),
    /// A valid command line: a verb with its operand, options, and the program with its arguments.
    Line {
        /// The verb, and its operand before the program.
        verb: (&'static str, Option<&'static str>),
        /// Options with their values.
        options: Vec<&'static str>,
        /// Whether `--` is added although it is not necessary.
        escaped: bool,
        /// The program and its arguments.
        argv: Vec<OsString>,
    },
}

impl<'a> Arbitrary<'a> for CommandLine {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        if u.ratio(1, 3)? {
            let words = (0..u.int_in_range(0..=7)?).map(|_| any_word(u));
            return Ok(Self::Words(words.collect::<Result<_>>()?));
        }
        let options = (0..u.int_in_range(0..=3)?).map(|_| u.choose(OPTIONS).copied());
        let options = options.collect::<Result<Vec<_>>>()?.concat();
        let argv = (0..u.int_in_range(1..=5)?).map(|_| word(u)).collect::<Result<_>>()?;
        Ok(Self::Line { verb: *u.choose(VERBS)?, options, escaped: u.arbitrary()?, argv })
    }
}

fn word(u: &mut Unstructured<'_>) -> Result<OsString> {
    Ok(if u.ratio(1, 4)? {
        OsString::from_vec(u.arbitrary::<&[u8]>()?.iter().copied().take(12).collect())
    } else {
        OsString::from(*u.choose(AMBIGUOUS)?)
    })
}

/// Returns a word as `word` does, or an option that `space` accepts.
fn any_word(u: &mut Unstructured<'_>) -> Result<OsString> {
    if u.arbitrary()? { word(u) } else { Ok(u.choose(OPTIONS)?[0].into()) }
}

/// Parses a command line.
///
/// Oracle: for a valid command line, the parsed program and arguments are those from which the line was made. Other
/// lines are parsed or rejected; if one is parsed, the program and its arguments are the end of the line.
///
/// # Panics
/// If the parser takes a word of the program as an option, or rejects a valid line.
pub fn cli(command_line: &CommandLine) {
    match command_line {
        CommandLine::Words(words) => check_words(words),
        CommandLine::Line { verb, options, escaped, argv } => {
            let line = line(*verb, options, *escaped, argv);
            let cli = space::parse(&line).unwrap_or_else(|error| panic!("{error} {line:?}"));
            assert_eq!(cli.argv(), argv, "{line:?}");
        }
    }
}

fn check_words(words: &[OsString]) {
    let line = [&[OsString::from("space")], words].concat();
    match space::parse(&line) {
        Ok(cli) => assert!(words.ends_with(cli.argv()), "{:?} of {words:?}", cli.argv()),
        Err(error) => assert!(!error.to_string().is_empty(), "{words:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_command_lines_are_parsed() {
        let argv = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        for words in [&["sh", "-a", "--", "-v"][..], &["-a"], &[""], &["-"]] {
            let (options, argv) = (vec!["-v", "--all"], argv(words));
            cli(&CommandLine::Line { verb: VERBS[0], options, escaped: false, argv });
        }
        cli(&CommandLine::Words(argv(&["execute", "--", "sh", "-v"])));
        cli(&CommandLine::Words(argv(&["no-verb"])));
    }
}
