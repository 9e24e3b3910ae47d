//! The end of the options: everything from PROGRAM on belongs to the program.
#[macro_use]
mod common;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use common::stdout;
use ns_testbed::argv::{AMBIGUOUS, OPTIONS, VERBS, line};
use proptest::prelude::*;

#[test]
fn options_after_the_program_belong_to_the_program() {
    run_space_as!([Root, User], {
        assert_eq!(stdout(&["execute", "--", "echo", "-n", "-a", "-p", "hi"]), "-a -p hi");
        assert_eq!(stdout(&["execute", "echo", "-n", "-a", "-p", "hi"]), "-a -p hi");
        assert_eq!(stdout(&["execute", "-v", "echo", "--", "--json", "-v"]), "-- --json -v\n");
        let here = std::fs::read_link("/proc/self/ns/pid").expect("read the link");
        let script = "readlink /proc/self/ns/pid";
        let there = stdout(&["execute", "sh", "-c", script, "--pid", "-a"]);
        assert_eq!(there.trim_end(), here.to_str().expect("UTF-8"));
    });
}

/// A word that could be taken for an option or a verb of `space`, or any other.
fn word() -> impl Strategy<Value = OsString> {
    prop_oneof![
        prop::sample::select(AMBIGUOUS).prop_map(OsString::from),
        prop::collection::vec(1..=255_u8, 0..6).prop_map(OsString::from_vec),
    ]
}

/// Options with several values, or with values that are numbers.
const VALUES: &[&[&str]] = &[
    &["--setenv", "A", "B"],
    &["--env-file=--all"],
    &["--args", "3"],
    &["--keep-fd=3"],
    &["--nice", "-5"],
    &["--rlimit", "nofile=64"],
    &["--drop-cap", "all,net_raw"],
    &["--uid", "7"],
    &["--time-offset", "boottime=-1"],
    &["--new-session", "--die-with-parent"],
];

fn options() -> impl Strategy<Value = Vec<&'static str>> {
    let known: Vec<_> = OPTIONS.iter().chain(VALUES).copied().collect();
    // An option that is repeated has the same effect as once.
    prop::collection::vec(prop::sample::select(known), 0..4).prop_map(|some| some.concat())
}

proptest! {
    /// After `--` the program may have any name; without `--` its name must not look like an option.
    #[test]
    fn everything_from_the_program_on_is_argv(
        verb in prop::sample::select(VERBS),
        options in options(),
        escaped: bool,
        argv in prop::collection::vec(word(), 1..6),
    ) {
        let cli = space::parse(line(verb, &options, escaped, &argv));
        let cli = cli.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(cli.argv(), argv);
    }

    /// Every command line is parsed or rejected.
    #[test]
    fn no_command_line_panics(words in prop::collection::vec(word(), 0..8)) {
        let _ = space::parse(words);
    }
}
