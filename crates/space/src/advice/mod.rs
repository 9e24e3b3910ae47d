//! Advice for options that `space` does not have.

mod foreign;

use clap::Command;

use crate::command;
use foreign::{BWRAP, CHROOT, LSNS, NSENTER, UNSHARE};

/// The options of one command that `space` lacks, each with the advice.
type Options = &'static [(&'static str, &'static str)];

/// Returns what to use instead of an unknown option, such as `--fork` or `-f`. `verb` is that of the command line.
pub(crate) fn instead_of(verb: Option<&str>, option: &str) -> Option<String> {
    let option = option.split('=').next()?;
    if ["--version", "-V"].contains(&option) {
        return Some("use space --version".to_owned());
    }
    if let Some(advice) = foreign(verb, option) {
        return Some(advice.to_owned());
    }
    if let Some(kind) = option.strip_prefix("--unshare-") {
        return Some(format!("use --{}", kind.strip_suffix("-try").unwrap_or(kind)));
    }
    of_verbs(verb, option)
}

/// Returns what to use if an option has a value that it does not take.
pub(crate) fn instead_of_value(option: &str, value: &str) -> Option<String> {
    let name = option.strip_prefix("--").filter(|name| !name.is_empty())?;
    if name == "mount-proc" {
        return Some(format!("use --proc {value}"));
    }
    let kind = if name == "fs" { "mnt" } else { name };
    kind.parse::<ns_process::Namespace>().ok()?;
    Some(format!(
        "use --{name} --keep {kind}={value} to keep the new namespace, or space inject --{name}={value} to join one"
    ))
}

/// The same option has another meaning in another command: the command that the verb replaces comes first.
fn foreign(verb: Option<&str>, option: &str) -> Option<&'static str> {
    let commands: [Options; 5] = match verb {
        Some("inject") => [NSENTER, UNSHARE, BWRAP, CHROOT, LSNS],
        Some("list") => [LSNS, UNSHARE, NSENTER, BWRAP, CHROOT],
        Some("chroot") => [CHROOT, UNSHARE, BWRAP, NSENTER, LSNS],
        _ => [UNSHARE, BWRAP, NSENTER, CHROOT, LSNS],
    };
    let mut all = commands.into_iter().flatten();
    all.find_map(|(name, advice)| (*name == option).then_some(*advice))
}

/// For an option that verbs have, returns the place of the option or the names of these verbs.
fn of_verbs(typed: Option<&str>, option: &str) -> Option<String> {
    let mut command = command();
    command.build();
    let verbs: Vec<_> = command
        .get_subcommands()
        .filter(|verb| has_option(verb, option))
        .map(Command::get_name)
        .collect();
    if typed.is_some_and(|typed| verbs.contains(&typed)) {
        return Some(format!("write it after {}", typed.unwrap_or_default()));
    }
    let (last, others) = verbs.split_last()?;
    let others = others.join(", ");
    let and = if others.is_empty() { "" } else { " and " };
    Some(format!("it is an option of {others}{and}{last}"))
}

fn has_option(verb: &Command, option: &str) -> bool {
    let mut shown = verb.get_arguments().filter(|arg| !arg.is_hide_set());
    shown.any(|arg| match option.strip_prefix("--") {
        Some(name) => {
            let aliases = arg.get_all_aliases().into_iter().flatten();
            arg.get_long().into_iter().chain(aliases).any(|known| known == name)
        }
        None => arg.get_short().is_some_and(|letter| option == format!("-{letter}")),
    })
}

/// Returns the names of all verbs.
pub(crate) fn verbs() -> String {
    let command = command();
    let names: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
    format!("the verbs are {}", names.join(", "))
}
