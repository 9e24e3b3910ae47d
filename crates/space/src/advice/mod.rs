//! Advice for options that `space` does not have.

mod distance;
mod foreign;

use clap::Command;
use ns_process::Namespace;

use crate::cli::is_resource;
use crate::command;
use crate::print::one_line;
pub(crate) use distance::is_close;
use foreign::{BWRAP, CHROOT, LSNS, NSENTER, OTHERS, UNSHARE, VERBS};

/// The options of one command that `space` lacks, each with the advice.
type Options = &'static [(&'static str, &'static str)];

/// Returns what to use instead of an unknown option, such as `--fork` or `-f`. `verb` is that of the command line.
pub(crate) fn instead_of(verb: Option<&str>, option: &str) -> Option<String> {
    let option = option.split('=').next()?;
    if ["--version", "-V"].contains(&option) {
        return Some("use space --version".to_owned());
    }
    let having = verbs_with(option);
    if let Some(typed) = verb.filter(|typed| having.iter().any(|verb| verb == typed)) {
        return Some(format!("write it after {typed}"));
    }
    let foreign = || foreign(verb, option).map(ToOwned::to_owned);
    foreign()
        .or_else(|| operand_of_list(option).filter(|_| verb == Some("list")))
        .or_else(|| unshare_kind(option))
        .or_else(|| resource(option))
        .or_else(|| of_verbs(&having))
}

/// Returns the message for an option without a verb before it.
pub(crate) fn without_verb(option: &str) -> Option<String> {
    let option = option.split('=').next()?;
    let having = verbs_with(option);
    let start = format!("'{}' needs a verb before it", one_line(option));
    let Some(verb) = having.first() else {
        let advice = foreign(None, option)?;
        return Some(format!("{start}, such as space execute; {advice}"));
    };
    let operands = match verb.as_str() {
        "execute" => " PROGRAM",
        "chroot" => " ROOT PROGRAM",
        "inject" => " PID PROGRAM",
        _ => "",
    };
    Some(format!("{start}: space {verb} {option}{operands}"))
}

/// `list` filters by options, and has no operands.
fn operand_of_list(word: &str) -> Option<String> {
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let of_kind = || kind(word).map(|kind| format!("use --type {kind}"));
    if is_number { Some(format!("use --pid {word}")) } else { of_kind() }
}

/// Returns the kind that a command names.
fn kind(word: &str) -> Option<Namespace> {
    if word == "mount" { Some(Namespace::Mnt) } else { word.parse().ok() }
}

/// `--unshare-KIND` and `--unshare-KIND-try` of bwrap(1).
fn unshare_kind(option: &str) -> Option<String> {
    let word = option.strip_prefix("--unshare-")?;
    let kind = kind(word.strip_suffix("-try").unwrap_or(word))?;
    Some(format!("use --{kind}"))
}

/// The names of resource limits are options of prlimit(1).
fn resource(option: &str) -> Option<String> {
    let name = option.strip_prefix("--").filter(|name| is_resource(name))?;
    Some(format!("use --rlimit {name}=SOFT"))
}

/// Returns what to use if an option has a value that it does not take.
pub(crate) fn instead_of_value(option: &str, value: &str) -> Option<String> {
    let name = option.strip_prefix("--").filter(|name| !name.is_empty())?;
    if name == "mount-proc" {
        return Some(format!("use --proc {value}"));
    }
    let kind = if name == "fs" { "mnt" } else { name };
    kind.parse::<Namespace>().ok()?;
    if ["none", "host"].contains(&value) {
        return Some(format!(
            "--{name} alone creates a new namespace; to keep the caller's, leave it out"
        ));
    }
    let directory = if name == "cgroup" {
        format!("; for a cgroup directory, use --cgroup-dir {value}")
    } else {
        String::new()
    };
    Some(format!(
        "use --{name} --keep {kind}={value} to keep the new namespace, or space inject --{name}={value} to join one{directory}"
    ))
}

/// Returns the verb that replaces a command.
pub(crate) fn instead_of_verb(word: &str) -> Option<String> {
    let (_, verb) = VERBS.iter().find(|(command, _)| *command == word)?;
    Some(format!("use {verb}"))
}

/// The same option has another meaning in another command: the command that the verb replaces comes first.
fn foreign(verb: Option<&str>, option: &str) -> Option<&'static str> {
    let commands: [Options; 6] = match verb {
        Some("inject") => [NSENTER, UNSHARE, BWRAP, CHROOT, LSNS, OTHERS],
        Some("list") => [LSNS, UNSHARE, NSENTER, BWRAP, CHROOT, OTHERS],
        Some("chroot") => [CHROOT, UNSHARE, BWRAP, NSENTER, LSNS, OTHERS],
        _ => [UNSHARE, BWRAP, NSENTER, CHROOT, LSNS, OTHERS],
    };
    let mut all = commands.into_iter().flatten();
    all.find_map(|(name, advice)| (*name == option).then_some(*advice))
}

/// Returns the names of the verbs that have an option.
fn verbs_with(option: &str) -> Vec<String> {
    let mut command = command();
    command.build();
    let having = command.get_subcommands().filter(|verb| has_option(verb, option));
    having.map(|verb| verb.get_name().to_owned()).collect()
}

/// For an option that other verbs have, returns the names of these verbs.
fn of_verbs(verbs: &[String]) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// An option that the verb of a command has needs no advice for users of that command.
    #[test]
    fn no_advice_is_about_an_option_that_works() {
        let replaced = [
            ("execute", UNSHARE),
            ("execute", BWRAP),
            ("execute", OTHERS),
            ("inject", NSENTER),
            ("list", LSNS),
            ("chroot", CHROOT),
        ];
        for (verb, options) in replaced {
            for (option, _) in options {
                let having = verbs_with(option);
                assert!(!having.iter().any(|having| having == verb), "{verb} {option}");
            }
        }
    }
}
