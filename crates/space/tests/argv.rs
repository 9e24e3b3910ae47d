//! The end of the options: everything from PROGRAM on belongs to the program.
#[macro_use]
mod common;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use common::stdout;
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

/// Words that could be taken for options and verbs of `space`.
fn word() -> impl Strategy<Value = OsString> {
    let options = prop::sample::select(vec![
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
        options.prop_map(OsString::from),
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
    // An option that is repeated has the same effect as once.
    prop::collection::vec(prop::sample::select(options), 0..4).prop_map(|some| some.concat())
}

fn command_line(
    front: &[&str],
    options: &[&str],
    operands: &[&str],
    argv: &[OsString],
) -> Vec<OsString> {
    let words = front.iter().chain(options).chain(operands).map(OsString::from);
    words.chain(argv.iter().cloned()).collect()
}

proptest! {
    /// After `--` the program may have any name; without `--` its name must not look like an option.
    #[test]
    fn everything_from_the_program_on_is_argv(
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
        let operands: Vec<_> = operand.into_iter().chain(dashes).collect();
        let cli = space::parse(command_line(&front, &options, &operands, &argv));
        let cli = cli.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(cli.argv(), argv);
    }

    /// Every command line is parsed or rejected.
    #[test]
    fn no_command_line_panics(words in prop::collection::vec(word(), 0..8)) {
        let _ = space::parse(words);
    }
}
