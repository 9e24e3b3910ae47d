//! A parser that builds the options of one verb only, compared with one that builds those of all.

use std::ffi::OsString;

use clap::{Args, Command, CommandFactory, FromArgMatches};
use ns_testbed::argv::{AMBIGUOUS, OPTIONS, VERBS};
use proptest::prelude::*;

use super::deferred::own;
use super::{Chroot, Cli, Execute, Filter, Inject, Listing};

/// Each verb, its visible aliases, and what adds its options.
type Whole = (&'static str, &'static [&'static str], fn(Command) -> Command);

const WHOLE: [Whole; 5] = [
    ("execute", &["run"], Execute::augment_args),
    ("chroot", &[], Chroot::augment_args),
    ("inject", &["enter"], Inject::augment_args),
    ("list", &[], Filter::augment_args),
    ("doctor", &[], Listing::augment_args),
];

/// Returns a parser in which every verb has its options from the beginning.
fn whole() -> Command {
    let mut order = 0..;
    Cli::command().mut_subcommands(|verb| {
        let found = WHOLE.iter().find(|(name, ..)| *name == verb.get_name());
        let (name, aliases, add_options) = found.unwrap_or_else(|| panic!("no {verb} in WHOLE"));
        add_options(Command::new(*name))
            .visible_aliases(*aliases)
            .about(own(verb.get_about()))
            .after_help(own(verb.get_after_help()))
            .display_order(order.next().unwrap_or_default())
    })
}

/// Returns what a command line means to a parser, or the text that it prints.
fn outcome(mut parser: Command, words: &[OsString]) -> String {
    let line = [&[OsString::from("space")], words].concat();
    let matches = parser.try_get_matches_from_mut(line);
    match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => format!("{cli:?}"),
        Err(error) => format!("{:?}\n{}", error.kind(), error.render()),
    }
}

#[test]
fn every_text_is_that_of_the_whole_parser() {
    let verbs = WHOLE.iter().flat_map(|(name, aliases, _)| aliases.iter().chain([name]));
    let mut lines = vec![String::new(), "-h".into(), "--help".into(), "-V".into(), "lst".into()];
    lines.extend(["--usr", "--user", "-vx", "help"].map(String::from));
    for verb in verbs {
        let ends = ["", "-h", "--help", "-V", "-v", "--usr", "--jsn", "--all", "-Q", "-M x sh"];
        lines.extend(ends.map(|end| format!("{verb} {end}")));
        lines.extend(["-v", "--user", "--"].map(|start| format!("{start} {verb} --help")));
    }
    for line in lines {
        let words: Vec<_> = line.split_whitespace().map(OsString::from).collect();
        let expected = outcome(whole(), &words);
        assert_eq!(outcome(Cli::command(), &words), expected, "space {line}");
    }
}

/// A verb, an option, or another word.
fn word() -> impl Strategy<Value = OsString> {
    let verbs: Vec<_> = VERBS.iter().map(|(verb, _)| *verb).chain(["list", "doctor"]).collect();
    let words: Vec<_> = OPTIONS.concat().into_iter().chain(AMBIGUOUS.iter().copied()).collect();
    prop_oneof![
        prop::sample::select(verbs).prop_map(OsString::from),
        prop::sample::select(words).prop_map(OsString::from),
        "-{0,2}[a-z]{1,8}".prop_map(OsString::from),
    ]
}

proptest! {
    #[test]
    fn every_command_line_means_the_same_to_the_whole_parser(
        words in prop::collection::vec(word(), 0..8),
    ) {
        prop_assert_eq!(outcome(Cli::command(), &words), outcome(whole(), &words));
    }
}
