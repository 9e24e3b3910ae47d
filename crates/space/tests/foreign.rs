//! Each option of the commands that `space` replaces works here, or its error says what to use.
//!
//! The options are those that an installed command lists by `--help`.

use std::process::Command;

use clap::Arg;

/// A command, and the verb that replaces it.
const COMMANDS: [(&str, &str); 5] = [
    ("unshare", "execute"),
    ("bwrap", "execute"),
    ("chroot", "chroot"),
    ("nsenter", "inject"),
    ("lsns", "list"),
];

/// Short options that work here under another long name.
const SAME: [(&str, &str, &str); 4] = [
    ("unshare", "-m", "--mount"),
    ("nsenter", "-m", "--mount"),
    ("lsns", "-p", "--task"),
    // Together with -S, whose advice names --gid. Alone, it is a map of groups, as in pyspaces.
    ("unshare", "-G", "--setgid"),
];

/// Returns the options that a command lists, those of one line together; `None` if it is not installed.
fn listed(command: &str) -> Option<Vec<Vec<String>>> {
    let output = Command::new(command).arg("--help").env("LC_ALL", "C").output().ok()?;
    // bwrap prints its help on stderr if it is old.
    let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
    let lines = text.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let all: Vec<_> = lines.map(options).collect();
    assert!(all.len() > 4, "{command} lists {all:?}");
    Some(all)
}

/// Returns the options at the start of a line, before their description.
fn options(line: &str) -> Vec<String> {
    let column = line.split("  ").next().unwrap_or_default();
    let words = column.split([' ', ',', '.']).filter(|word| word.starts_with('-'));
    words.map(|word| word.split(['=', '[']).next().unwrap_or_default().to_owned()).collect()
}

/// Returns the argument of a verb with this name.
fn find<'a>(verb: &'a clap::Command, option: &str) -> Option<&'a Arg> {
    let has_name = |arg: &&Arg| match option.strip_prefix("--") {
        Some(name) => {
            arg.get_long() == Some(name)
                || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
        }
        None => arg.get_short().is_some_and(|letter| option == format!("-{letter}")),
    };
    verb.get_arguments().find(has_name)
}

/// Returns the message for an option that the verb does not have.
fn message(verb: &str, option: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_space"));
    let output = command.args([verb, option]).output().expect("run space");
    assert_eq!(output.status.code(), Some(125), "{verb} {option}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn each_option_of_another_command_works_or_is_answered_by_what_to_use() {
    let mut command = space::command();
    command.build();
    for (name, verb) in COMMANDS {
        let Some(all) = listed(name) else {
            println!("left out: {name} is not installed");
            continue;
        };
        let parser = command.find_subcommand(verb).expect("a verb");
        let (mut accepted, mut advised) = (0, 0);
        for options in &all {
            let long = options
                .iter()
                .find_map(|option| find(parser, option).filter(|_| option.starts_with("--")));
            for option in options {
                let found = find(parser, option);
                let is_same = SAME.iter().any(|(command, short, other)| {
                    *command == name
                        && short == option
                        && options.iter().any(|option| option == other)
                });
                let means_the_same = option.starts_with("--")
                    || is_same
                    || long.map(Arg::get_id) == found.map(Arg::get_id);
                // An option with a text of its own if it is given.
                let is_refused = verb == "inject" && found.is_some_and(Arg::is_hide_set);
                if found.is_some() && !is_refused {
                    assert!(means_the_same, "{option} of {name} has another meaning here");
                    accepted += 1;
                } else if !is_refused {
                    let message = message(verb, option);
                    let start = format!("space: unexpected argument '{option}' found; ");
                    let advice = message
                        .strip_prefix(&start)
                        .unwrap_or_else(|| panic!("no advice for {option} of {name}: {message}"));
                    assert!(
                        !advice.starts_with("a similar argument"),
                        "{option} of {name}: {message}"
                    );
                    advised += 1;
                }
            }
        }
        println!("shown: {name}: {accepted} options work, {advised} are answered by what to use");
    }
}

#[test]
fn a_value_that_an_option_does_not_take_is_answered() {
    for (option, expected) in [
        (
            "--net=/ns",
            "space: unexpected value '/ns' for '--net'; use --net --keep net=/ns to keep the new namespace, or space inject --net=/ns to join one (see --help)\n",
        ),
        (
            "--mount-proc=/p",
            "space: unexpected value '/p' for '--mount-proc'; use --proc /p (see --help)\n",
        ),
    ] {
        assert_eq!(message("execute", option), expected);
    }
}

/// The advice is that for the command which the verb replaces.
#[test]
fn the_advice_depends_on_the_verb() {
    for (verb, option, expected) in [
        ("execute", "-r", "use --id"),
        ("inject", "-r", "use --follow-root, or --rootdir DIR"),
        ("enter", "-r", "use --follow-root, or --rootdir DIR"),
        ("list", "-r", "output to a pipe has no padding: leave it out"),
        ("execute", "-c", "use --map-same"),
        ("inject", "-c", "use --join-cgroup"),
    ] {
        let expected =
            format!("space: unexpected argument '{option}' found; {expected} (see --help)\n");
        assert_eq!(message(verb, option), expected);
    }
}
