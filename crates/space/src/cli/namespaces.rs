//! Which namespaces: an option for each kind, and one that takes it back.

use std::path::PathBuf;

use clap::builder::ArgAction;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use ns_process::{Builder, Namespace};

/// How a kind is asked for, and left out.
struct Spelling {
    kind: Namespace,
    letter: char,
    with: &'static str,
    without: &'static str,
    /// The other word for it that pyspaces has.
    other: Option<[&'static str; 2]>,
}

const KINDS: [Spelling; 8] = [
    spelling(Namespace::Ipc, 'i', "ipc", "no-ipc"),
    Spelling { other: Some(["fs", "no-fs"]), ..spelling(Namespace::Mnt, 'm', "mnt", "no-mnt") },
    spelling(Namespace::Net, 'n', "net", "no-net"),
    spelling(Namespace::Pid, 'p', "pid", "no-pid"),
    spelling(Namespace::Uts, 'u', "uts", "no-uts"),
    spelling(Namespace::User, 'U', "user", "no-user"),
    spelling(Namespace::Cgroup, 'C', "cgroup", "no-cgroup"),
    spelling(Namespace::Time, 'T', "time", "no-time"),
];

const fn spelling(
    kind: Namespace,
    letter: char,
    with: &'static str,
    without: &'static str,
) -> Spelling {
    Spelling { kind, letter, with, without, other: None }
}

const HEADING: &str = "Namespaces";

/// New ones.
#[derive(Debug)]
pub(crate) struct New(Selection);

/// Those of another process, or of files.
#[derive(Debug)]
pub(crate) struct Entered {
    selection: Selection,
    files: Vec<(Namespace, PathBuf)>,
}

#[derive(Debug)]
struct Selection {
    all: bool,
    with: Vec<Namespace>,
    without: Vec<Namespace>,
}

impl New {
    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) {
        self.0.apply(builder);
    }
}

impl Entered {
    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) {
        self.selection.apply(builder);
        for (kind, path) in &self.files {
            builder.namespace_file(*kind, path);
        }
    }
}

impl Selection {
    fn apply<Kind>(&self, builder: &mut Builder<Kind>) {
        if self.all {
            builder.all();
        }
        builder.namespaces(self.with.iter().copied());
        for kind in &self.without {
            builder.without(*kind);
        }
    }

    fn from(matches: &ArgMatches, with: Vec<Namespace>) -> Self {
        let without = KINDS.iter().filter(|kind| matches.get_flag(kind.without));
        let without = without.map(|kind| kind.kind).collect();
        Self { all: matches.get_flag("all"), with, without }
    }
}

/// The kinds whose option was given.
fn given(matches: &ArgMatches) -> impl Iterator<Item = &'static Spelling> {
    let typed = Some(ValueSource::CommandLine);
    KINDS.iter().filter(move |kind| matches.value_source(kind.with) == typed)
}

/// `--all`, and for each kind two options of which the last one holds.
fn options(command: Command, shape: impl Fn(Arg, Namespace) -> Arg) -> Command {
    let all = Arg::new("all").short('a').long("all").action(ArgAction::SetTrue);
    let all = all.help("Every kind that this kernel has, but for those of --no-KIND");
    KINDS.iter().fold(command.arg(all.help_heading(HEADING)), |command, kind| {
        let [other, no_other] = kind.other.map_or([None, None], |words| words.map(Some));
        let with = Arg::new(kind.with).short(kind.letter).long(kind.with);
        let with = shape(with.visible_aliases(other), kind.kind);
        let without = Arg::new(kind.without).long(kind.without).aliases(no_other);
        let without = without.action(ArgAction::SetTrue).hide(true);
        command
            .arg(with.overrides_with(kind.without).help_heading(HEADING))
            .arg(without.overrides_with(kind.with))
    })
}

impl FromArgMatches for New {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let with = given(matches).map(|kind| kind.kind).collect();
        Ok(Self(Selection::from(matches, with)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        Self::from_arg_matches(matches).map(|new| *self = new)
    }
}

impl Args for New {
    fn augment_args(command: Command) -> Command {
        options(command, |arg, kind| {
            arg.action(ArgAction::SetTrue).help(format!("A new {kind} namespace"))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Entered {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let file = |kind: &Spelling| {
            let path = matches.get_one::<PathBuf>(kind.with)?;
            Some((kind.kind, path.clone()))
        };
        let (files, with) = given(matches).partition::<Vec<_>, _>(|kind| file(kind).is_some());
        let with = with.iter().map(|kind| kind.kind).collect();
        let files = files.into_iter().filter_map(file).collect();
        Ok(Self { selection: Selection::from(matches, with), files })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        Self::from_arg_matches(matches).map(|new| *self = new)
    }
}

impl Args for Entered {
    fn augment_args(command: Command) -> Command {
        options(command, |arg, kind| {
            arg.num_args(0..=1)
                .require_equals(true)
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help(format!("The target's {kind} namespace, or that of FILE"))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
