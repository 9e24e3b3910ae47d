//! Where the options end: everything from PROGRAM on is the program's.
#[macro_use]
mod common;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use common::stdout;
use proptest::prelude::*;

#[test]
fn options_of_the_program_are_not_eaten() {
    run_space_as!([Root, User], {
        assert_eq!(stdout(&["execute", "--", "echo", "-n", "-a", "-p", "hi"]), "-a -p hi");
        assert_eq!(stdout(&["execute", "echo", "-n", "-a", "-p", "hi"]), "-a -p hi");
        assert_eq!(stdout(&["execute", "-v", "echo", "--", "--json", "-v"]), "-- --json -v\n");
        let here = std::fs::read_link("/proc/self/ns/pid").expect("own");
        let script = "readlink /proc/self/ns/pid";
        let there = stdout(&["execute", "sh", "-c", script, "--pid", "-a"]);
        assert_eq!(there.trim_end(), here.to_str().expect("text"));
    });
}

/// Words that look as if they were ours.
fn word() -> impl Strategy<Value = OsString> {
    let ours = prop::sample::select(vec![
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
        "--timeout",
        "--timeout=1",
        "-M",
        "execute",
        "chroot",
        "help",
        "=",
        "",
    ]);
    prop_oneof![
        ours.prop_map(OsString::from),
        prop::collection::vec(1..=255_u8, 0..6).prop_map(OsString::from_vec),
    ]
}

fn options() -> impl Strategy<Value = Vec<&'static str>> {
    let options = vec![
        vec!["-a"],
        vec!["-imnpuUCT"],
        vec!["--all", "--no-net"],
        vec!["--fs"],
        vec!["-v"],
        vec!["--timeout", "3"],
        vec!["--env", "A=B"],
        vec!["--name=--all"],
    ];
    // What is given twice holds as if it was given once.
    prop::collection::vec(prop::sample::select(options), 0..4).prop_map(|some| some.concat())
}

fn joined(front: &[&str], options: &[&str], middle: &[&str], argv: &[OsString]) -> Vec<OsString> {
    let ours = front.iter().chain(options).chain(middle).map(OsString::from);
    ours.chain(argv.iter().cloned()).collect()
}

proptest! {
    /// After `--` the program itself may be called anything, and without it anything but an option.
    #[test]
    fn from_the_program_on_nothing_is_ours(
        verb in prop::sample::select(vec![
            (["space", "execute"], None),
            (["space", "run"], None),
            (["space", "chroot"], Some("ROOT")),
            (["space", "inject"], Some("42")),
        ]),
        options in options(),
        escaped: bool,
        argv in prop::collection::vec(word(), 1..6),
    ) {
        let (front, operand) = verb;
        let option = argv[0].as_encoded_bytes().starts_with(b"-") && argv[0] != "-";
        let dashes = (escaped || option).then_some("--");
        let middle: Vec<_> = operand.into_iter().chain(dashes).collect();
        let cli = space::parse(joined(&front, &options, &middle, &argv));
        let cli = cli.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(cli.argv(), argv);
    }

    /// Whatever is typed is read or refused.
    #[test]
    fn no_line_is_a_panic(words in prop::collection::vec(word(), 0..8)) {
        let _ = space::parse(words);
    }
}
