//! Command lines of `space`, for random tests of the end of its options.

use std::ffi::OsString;

/// Verbs with a program, each with its operand before the program.
pub const VERBS: &[(&str, Option<&str>)] = &[
    ("execute", None),
    ("run", None),
    ("chroot", Some("ROOT")),
    ("inject", Some("42")),
    ("enter", Some("42")),
];

/// Options that every verb accepts.
pub const OPTIONS: &[&[&str]] = &[
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

/// Words that could be taken for options and verbs of `space`.
pub const AMBIGUOUS: &[&str] = &[
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

/// A valid command line: the verb with its options and operand, and then `argv`, the program with its arguments.
///
/// `--` precedes a program that looks like an option, and every program if `is_escaped`.
///
/// # Panics
/// `argv` is empty.
pub fn line(
    (verb, operand): (&str, Option<&str>),
    options: &[&str],
    is_escaped: bool,
    argv: &[OsString],
) -> Vec<OsString> {
    let is_option = argv[0].as_encoded_bytes().starts_with(b"-") && argv[0] != "-";
    let dashes = (is_escaped || is_option).then_some("--");
    let words = ["space", verb].into_iter().chain(options.iter().copied()).chain(operand);
    words.chain(dashes).map(OsString::from).chain(argv.iter().cloned()).collect()
}
