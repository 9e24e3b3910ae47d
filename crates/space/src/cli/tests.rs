//! The parsers that do less work, compared with clap and the options of all verbs.

use std::ffi::OsString;

use clap::{Arg, Args, Command, CommandFactory, FromArgMatches};
use ns_testbed::argv::{AMBIGUOUS, OPTIONS, VERBS};
use proptest::prelude::*;

use super::deferred::own;
use super::{Chroot, Cli, Execute, Filter, Inject, Listing, quick};

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
        // Which option is most similar to a single letter depends on the order of the options.
        "-{0,2}[a-z]{2,8}".prop_map(OsString::from),
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

/// Valid values of each option that has some.
const VALUES: &[(&str, &[&str])] = &[
    ("args", &["3"]),
    ("argv0", &["name"]),
    ("bind", &["/a", "/b"]),
    ("bind-fd", &["3", "/a"]),
    ("bind-try", &["/a", "/b"]),
    ("bind-data", &["3", "/a"]),
    ("cgroup-dir", &["/"]),
    ("cpu-list", &["0,2-5"]),
    ("chmod", &["700", "/a"]),
    ("dev", &["/dev"]),
    ("dev-bind", &["/a", "/b"]),
    ("dev-bind-try", &["/a", "/b"]),
    ("dir", &["/a"]),
    ("domainname", &["box"]),
    ("drop-cap", &["all,net_raw"]),
    ("env", &["A=B"]),
    ("env-file", &["f"]),
    ("exec-fd", &["3"]),
    ("exec-label", &["x"]),
    ("file", &["3", "/a"]),
    ("gid", &["7"]),
    ("gid-map", &["0:1:1"]),
    ("groups", &["1,2"]),
    ("host-proc", &["/proc"]),
    ("hostname", &["box"]),
    ("ionice", &["idle"]),
    ("keep", &["net=/a"]),
    ("keep-cap", &["net_raw"]),
    ("keep-fd", &["3"]),
    ("mask", &["/a"]),
    ("mqueue", &["/a"]),
    ("name", &["x"]),
    ("nice", &["5"]),
    ("oom-score-adj", &["5"]),
    ("overlay", &["/a", "/b", "/c"]),
    ("overlay-src", &["/a"]),
    ("perms", &["700"]),
    ("personality", &["linux32"]),
    ("proc", &["/proc"]),
    ("propagation", &["slave"]),
    ("remount-ro", &["/a"]),
    ("rlimit", &["nofile=64"]),
    ("ro-bind", &["/a", "/b"]),
    ("ro-bind-data", &["3", "/a"]),
    ("ro-bind-fd", &["3", "/a"]),
    ("ro-bind-try", &["/a", "/b"]),
    ("ro-overlay", &["/a"]),
    ("rootdir", &["/"]),
    ("scheduler", &["idle"]),
    ("seccomp", &["3"]),
    ("setenv", &["A", "B"]),
    ("setgroups", &["deny"]),
    ("size", &["9"]),
    ("stderr", &["f"]),
    ("stdin", &["f"]),
    ("stdout", &["f"]),
    ("symlink", &["/a", "/b"]),
    ("sysctl", &["net.ipv4.ip_forward=1"]),
    ("time-offset", &["boottime=1"]),
    ("timeout", &["3"]),
    ("tmp-overlay", &["/a"]),
    ("tmpfs", &["/tmp"]),
    ("uid", &["7"]),
    ("uid-map", &["0:1:1"]),
    ("umask", &["22"]),
    ("unset-env", &["A"]),
    ("workdir", &["/"]),
];

/// Options that need another one, which is added.
const NEEDS: [(&str, &[&str]); 2] =
    [("create-workdir", &["--workdir", "/"]), ("reset-on-fork", &["--scheduler", "idle"])];

/// The verbs that start a program, each with its operand.
const STARTING: [(&str, &[&str]); 3] = [("execute", &[]), ("chroot", &["/a"]), ("inject", &["42"])];

/// Returns the forms of an option, each with its values.
fn forms(option: &Arg) -> Vec<Vec<String>> {
    let aliases = option.get_all_aliases().unwrap_or_default();
    let long = option.get_long().into_iter().chain(aliases).map(|name| format!("--{name}"));
    let short = option.get_short().map(|letter| format!("-{letter}"));
    let has_value = option.get_action().takes_values() && !option.is_require_equals_set();
    let values = has_value.then(|| {
        let name = option.get_long().unwrap_or_default();
        let found = VALUES.iter().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("no value for --{name} in VALUES")).1
    });
    let needed = NEEDS.iter().find(|(name, _)| option.get_long() == Some(*name));
    let needed = needed.map(|(_, words)| *words).unwrap_or_default();
    let values = values.unwrap_or_default().iter().chain(needed).copied().map(String::from);
    long.chain(short).map(|word| [word].into_iter().chain(values.clone()).collect()).collect()
}

/// Returns each form of each option of a verb, except for those that only print a text or are refused.
fn quick_options(verb: &str) -> Vec<Vec<String>> {
    let whole = whole();
    let verb = whole.find_subcommand(verb).unwrap_or_else(|| panic!("no verb {verb}"));
    let is_refused =
        |option: &&Arg| verb.get_name() == "inject" && REFUSED.contains(&option.get_id().as_str());
    let options = verb.get_opts().filter(|option| !is_refused(option));
    options.flat_map(forms).chain([vec!["-v".into()], vec!["--verbose".into()]]).collect()
}

const REFUSED: [&str; 5] = ["uid_map", "gid_map", "id", "map_auto", "map_same"];

/// Compares the quick parser with clap. Returns whether the quick parser has understood the line.
fn quick_means_the_same(words: &[OsString]) -> bool {
    let quick = quick::parse(&[&[OsString::from("space")], words].concat());
    if let Some(cli) = &quick {
        assert_eq!(format!("{cli:?}"), outcome(whole(), words), "{words:?}");
    }
    quick.is_some()
}

#[test]
fn the_quick_parser_knows_every_option() {
    for (verb, operands) in STARTING {
        for option in quick_options(verb) {
            let words = [verb].into_iter().chain(option.iter().map(String::as_str));
            let words = words.chain(operands.iter().copied()).chain(["sh", "-c", "--all"]);
            let words: Vec<_> = words.map(OsString::from).collect();
            assert!(quick_means_the_same(&words), "{words:?} is left to clap");
        }
    }
}

/// The options of a verb with its operand and a program; or words in disorder.
fn line() -> impl Strategy<Value = Vec<OsString>> {
    let verb = prop::sample::select(&STARTING[..]);
    verb.prop_flat_map(|(verb, operands)| {
        let option = prop::sample::select(quick_options(verb));
        let option = option.prop_map(|words| words.into_iter().map(OsString::from).collect());
        let part = prop_oneof![6 => option, 1 => prop::collection::vec(word(), 1)];
        let parts = prop::collection::vec(part, 0..5);
        let end = prop::collection::vec(word(), 0..4);
        (parts, end).prop_map(move |(parts, end)| {
            let operands = operands.iter().map(OsString::from);
            let start = [OsString::from(verb)].into_iter().chain(parts.concat());
            start.chain(operands).chain([OsString::from("sh")]).chain(end).collect()
        })
    })
}

proptest! {
    #[test]
    fn the_quick_parser_means_the_same_as_clap(words in line()) {
        quick_means_the_same(&words);
    }

    #[test]
    fn the_quick_parser_reads_any_words(words in prop::collection::vec(word(), 0..8)) {
        quick_means_the_same(&words);
    }
}
