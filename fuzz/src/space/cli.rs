//! Where the options end: everything from PROGRAM on is the program's.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use arbitrary::{Arbitrary, Result, Unstructured};

/// What is typed after `space`.
#[derive(Clone, Debug)]
pub enum Typed {
    /// Anything.
    Words(Vec<OsString>),
    /// A verb with what it needs, options before the program, and the program with its own words.
    Line {
        /// The verb, and the operand that comes before the program.
        verb: (&'static str, Option<&'static str>),
        /// Options, with their values.
        options: Vec<&'static str>,
        /// Whether `--` is typed where it need not be.
        escaped: bool,
        /// The program and its arguments.
        argv: Vec<OsString>,
    },
}

const VERBS: &[(&str, Option<&str>)] = &[
    ("execute", None),
    ("run", None),
    ("chroot", Some("ROOT")),
    ("inject", Some("42")),
    ("enter", Some("42")),
];

/// Those that every verb takes.
const OPTIONS: &[&[&str]] = &[
    &["-a"],
    &["-imnpuUCT"],
    &["--all", "--no-net"],
    &["--fs"],
    &["-v"],
    &["--verbose"],
    &["--timeout", "3"],
    &["--timeout=3"],
    &["--env", "A=B"],
    &["--env", "A=-- x"],
    &["--clear-env"],
    &["--workdir=--all"],
    &["--workdir", "/"],
    &["--hostname", "box"],
    &["--mount-proc"],
    &["--stdin", "f"],
    &["--stdout=--"],
    &["--json"],
    &["--dry-run"],
    &["--name=--all"],
];

/// Words that look as if they were the command line's own.
const OURS: &[&str] = &[
    "--",
    "-",
    "-a",
    "-v",
    "-Uz",
    "--all",
    "--no-net",
    "--json",
    "--help",
    "-h",
    "--version",
    "-V",
    "--timeout",
    "--timeout=1",
    "-M",
    "execute",
    "run",
    "chroot",
    "inject",
    "help",
    "=",
    "",
    "sh",
];

impl<'a> Arbitrary<'a> for Typed {
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
        OsString::from(*u.choose(OURS)?)
    })
}

/// Or an option, or an operand.
fn any_word(u: &mut Unstructured<'_>) -> Result<OsString> {
    if u.arbitrary()? { word(u) } else { Ok(u.choose(OPTIONS)?[0].into()) }
}

/// Oracle: the line as it was put together: the program's words come out as they went in. Of other
/// lines: read or refused, and what is read as the program's is the end of the line.
///
/// # Panics
/// Where a word is eaten.
pub fn cli(typed: &Typed) {
    match typed {
        Typed::Words(words) => any(words),
        Typed::Line { verb, options, escaped, argv } => {
            let line = line(*verb, options, *escaped, argv);
            let cli = space::parse(&line).unwrap_or_else(|error| panic!("{error} {line:?}"));
            assert_eq!(cli.argv(), argv, "{line:?}");
        }
    }
}

fn line(
    (verb, operand): (&str, Option<&str>),
    options: &[&str],
    escaped: bool,
    argv: &[OsString],
) -> Vec<OsString> {
    let is_option = argv[0].as_encoded_bytes().starts_with(b"-") && argv[0] != "-";
    let dashes = (escaped || is_option).then_some("--");
    let ours = ["space", verb].into_iter().chain(options.iter().copied()).chain(operand);
    ours.chain(dashes).map(OsString::from).chain(argv.iter().cloned()).collect()
}

fn any(words: &[OsString]) {
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
    fn known_lines_hold() {
        let argv = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        for words in [&["sh", "-a", "--", "-v"][..], &["-a"], &[""], &["-"]] {
            let (options, argv) = (vec!["-v", "--all"], argv(words));
            cli(&Typed::Line { verb: VERBS[0], options, escaped: false, argv });
        }
        cli(&Typed::Words(argv(&["execute", "--", "sh", "-v"])));
        cli(&Typed::Words(argv(&["no-verb"])));
    }
}
