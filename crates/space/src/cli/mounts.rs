//! Options that mount file systems and create files in the new mount namespace.

use clap::builder::{ArgAction, ValueParser};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use ns_process::{Builder, Namespace, NamespaceFlags};

use super::mount_list::MountList;
use super::ordered::{Given, in_order};
use super::quick::{Quick, Words, add, flag};
use crate::failure::Failure;
use crate::print::one_line;

const HEADING: &str =
    "Mounts, made in the order of the options; DEST is created if it does not exist";

/// An option that is given any number of times.
struct MountOption {
    name: &'static str,
    values: &'static [&'static str],
    help: &'static str,
}

const fn option(
    name: &'static str,
    values: &'static [&'static str],
    help: &'static str,
) -> MountOption {
    MountOption { name, values, help }
}

const BIND: &[&str] = &["SRC", "DEST"];
const DEST: &[&str] = &["DEST"];

const FD: &[&str] = &["FD", "DEST"];

const OPTIONS: [MountOption; 26] = [
    option("bind", BIND, "Bind the file or directory SRC of the caller, without devices"),
    option("bind-try", BIND, "As --bind, but do nothing if SRC does not exist"),
    option("ro-bind", BIND, "Bind SRC read-only, without devices"),
    option("ro-bind-try", BIND, "As --ro-bind, but do nothing if SRC does not exist"),
    option("dev-bind", BIND, "Bind SRC with its devices"),
    option("dev-bind-try", BIND, "As --dev-bind, but do nothing if SRC does not exist"),
    option("bind-fd", FD, "Bind the open file or directory FD, without devices"),
    option("ro-bind-fd", FD, "Bind FD read-only, without devices"),
    option("tmpfs", DEST, "Mount an empty tmpfs(5)"),
    option("size", &["BYTES"], "Limit the size of the next --tmpfs, a plain number of bytes"),
    option("overlay-src", &["SRC"], "Add a directory to the next overlay, above those before"),
    option(
        "overlay",
        &["UPPER", "WORK", "DEST"],
        "Mount an overlay that writes to UPPER; WORK is empty",
    ),
    option(
        "tmp-overlay",
        DEST,
        "Mount an overlay whose changes are kept in memory and lost at the end",
    ),
    option("ro-overlay", DEST, "Mount a read-only overlay of two or more directories"),
    option("proc", DEST, "Mount proc(5) of the new pid namespace"),
    option("dev", DEST, "Mount a minimal /dev"),
    option("mqueue", DEST, "Mount the POSIX message queues of the new ipc namespace"),
    option("dir", DEST, "Create a directory and its parents"),
    option("file", FD, "Create a file with the contents of descriptor FD"),
    option("bind-data", FD, "Mount a file in memory over DEST, with the contents of descriptor FD"),
    option("ro-bind-data", FD, "As --bind-data, read-only"),
    option("symlink", &["TARGET", "DEST"], "Create a symbolic link"),
    option("remount-ro", DEST, "Make a mount read-only, but not the mounts below it"),
    option("perms", &["MODE"], "Set the mode of what the next option creates"),
    option("chmod", &["MODE", "DEST"], "Set the mode of what an option before has created"),
    option("mask", DEST, "Hide a file or directory, if it exists"),
];

/// The mounts of a new mount namespace.
#[derive(Debug, Default)]
pub(crate) struct Mounts {
    host_root: bool,
    given: Vec<Given>,
}

impl Mounts {
    /// The options in the order of the command line.
    pub(crate) fn given(&self) -> &[Given] {
        &self.given
    }

    pub(crate) fn have_host_root(&self) -> bool {
        self.host_root
    }

    /// Adds the mounts, after the namespaces. Reads the descriptors of `--file`.
    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) -> Result<(), Failure> {
        if self.host_root {
            builder.host_root();
        }
        let Some(first) = self.given.first() else { return Ok(()) };
        if !builder.get_namespaces().contains(NamespaceFlags::MNT) {
            return Err(Failure::Needs(first.name, Namespace::Mnt));
        }
        let mut list = MountList::default();
        for given in &self.given {
            list.add(given)
                .map_err(|reason| Failure::Refused(format!("{}: {reason}", typed(given))))?;
        }
        for mount in list.finish().map_err(Failure::Refused)? {
            builder.mount(mount);
        }
        Ok(())
    }
}

/// Returns an option with its values, but not with a mode or size alone, which the reason repeats.
fn typed(given: &Given) -> String {
    let option = format!("--{}", given.name);
    let values = given.words().filter(|_| !["perms", "size"].contains(&given.name));
    values.fold(option, |line, value| format!("{line} {}", one_line(&value.to_string_lossy())))
}

impl FromArgMatches for Mounts {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = in_order(matches, OPTIONS.iter().map(|option| option.name));
        Ok(Self { host_root: matches.get_flag("host-root"), given })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        Self::from_arg_matches(matches).map(|new| *self = new)
    }
}

impl Args for Mounts {
    fn augment_args(command: Command) -> Command {
        let host_root = Arg::new("host-root").long("host-root").action(ArgAction::SetTrue);
        let host_root = host_root.help(
            "Make a root with the programs of the host, read-only, and a new /proc, /dev and /tmp",
        );
        OPTIONS.iter().fold(command.arg(host_root.help_heading(HEADING)), |command, option| {
            let arg = Arg::new(option.name).long(option.name).action(ArgAction::Append);
            let arg = arg.value_names(option.values).num_args(option.values.len());
            let arg = arg.value_parser(ValueParser::os_string());
            command.arg(arg.help(option.help).help_heading(HEADING))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl Quick for Mounts {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        if name == "host-root" {
            return flag(&mut self.host_root);
        }
        let MountOption { name, values, .. } = OPTIONS.iter().find(|option| option.name == name)?;
        let values = words.values(values.len())?;
        add(&mut self.given, Some(Given::new(name, values)))
    }
}
