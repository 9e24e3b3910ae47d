//! Options that select namespaces: `--KIND` and `--no-KIND` for each kind, and `--all`.

use std::path::PathBuf;

use clap::builder::ArgAction;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use ns_process::{Builder, Namespace, NamespaceFlags, UnknownNamespace};

use super::quick::{Quick, Words, flag};

/// The options of one kind of namespace.
struct KindOption {
    kind: Namespace,
    letter: char,
    with: &'static str,
    without: &'static str,
    /// The aliases that pyspaces has.
    aliases: Option<[&'static str; 2]>,
}

const KINDS: [KindOption; 8] = [
    kind_option(Namespace::Ipc, 'i', "ipc", "no-ipc"),
    KindOption {
        aliases: Some(["fs", "no-fs"]),
        ..kind_option(Namespace::Mnt, 'm', "mnt", "no-mnt")
    },
    kind_option(Namespace::Net, 'n', "net", "no-net"),
    kind_option(Namespace::Pid, 'p', "pid", "no-pid"),
    kind_option(Namespace::Uts, 'u', "uts", "no-uts"),
    kind_option(Namespace::User, 'U', "user", "no-user"),
    kind_option(Namespace::Cgroup, 'C', "cgroup", "no-cgroup"),
    kind_option(Namespace::Time, 'T', "time", "no-time"),
];

const fn kind_option(
    kind: Namespace,
    letter: char,
    with: &'static str,
    without: &'static str,
) -> KindOption {
    KindOption { kind, letter, with, without, aliases: None }
}

const HEADING: &str = "Namespaces";

/// Namespaces to create.
#[derive(Debug, Default)]
pub(crate) struct NewNamespaces(Selection);

/// Namespaces to join: those of the target process, or of files.
#[derive(Debug, Default)]
pub(crate) struct JoinedNamespaces {
    selection: Selection,
    files: Vec<(Namespace, PathBuf)>,
}

#[derive(Debug, Default)]
struct Selection {
    all: bool,
    with: NamespaceFlags,
    without: NamespaceFlags,
}

impl NewNamespaces {
    /// The kinds that `--no-KIND` excludes.
    pub(crate) fn excluded(&self) -> NamespaceFlags {
        self.0.without
    }

    /// The kinds that an option selects, also those that `--no-KIND` excludes.
    pub(crate) fn selected(&self) -> NamespaceFlags {
        if self.0.all { NamespaceFlags::all() } else { self.0.with }
    }

    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) {
        self.0.apply(builder);
    }
}

impl JoinedNamespaces {
    /// The kinds that `--no-KIND` excludes.
    pub(crate) fn excluded(&self) -> NamespaceFlags {
        self.selection.without
    }

    /// Whether a file selects a namespace.
    pub(super) fn have_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// Returns the reason why an option needs a process, if there is one.
    pub(super) fn needs_process(&self) -> Option<String> {
        let Selection { all, with, without } = &self.selection;
        let first = |kinds: &NamespaceFlags| kinds.kinds().next().map(Namespace::name);
        if *all {
            return Some("--all needs a PID".to_owned());
        }
        let of_process =
            first(with).map(|kind| format!("--{kind} needs a PID or a file: --{kind}=FILE"));
        of_process.or_else(|| first(without).map(|kind| format!("--no-{kind} needs a PID")))
    }

    /// Whether the pid namespace of a file is joined.
    pub(crate) fn has_pid_file(&self) -> bool {
        self.files.iter().any(|(kind, _)| *kind == Namespace::Pid)
    }

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
        builder.namespaces(self.with.kinds());
        for kind in self.without.kinds() {
            builder.without(kind);
        }
    }

    fn from(matches: &ArgMatches, with: NamespaceFlags) -> Self {
        let without = KINDS.iter().filter(|kind| matches.get_flag(kind.without));
        let without = without.map(|kind| kind.kind).collect();
        Self { all: matches.get_flag("all"), with, without }
    }
}

/// Returns the kinds whose option is on the command line.
fn given(matches: &ArgMatches) -> impl Iterator<Item = &'static KindOption> {
    let command_line = Some(ValueSource::CommandLine);
    KINDS.iter().filter(move |kind| matches.value_source(kind.with) == command_line)
}

/// Adds `--all`, and for each kind `--KIND` and `--no-KIND`, of which the last one on the command line takes effect.
fn options(command: Command, shape: impl Fn(Arg, Namespace) -> Arg) -> Command {
    let all = Arg::new("all").short('a').long("all").action(ArgAction::SetTrue);
    let all = all.help("All namespaces that the kernel supports; --no-KIND excludes one");
    KINDS.iter().fold(command.arg(all.help_heading(HEADING)), |command, kind| {
        let [alias, no_alias] = kind.aliases.map_or([None, None], |words| words.map(Some));
        let with = Arg::new(kind.with).short(kind.letter).long(kind.with);
        let with = shape(with.visible_aliases(alias), kind.kind);
        let without = Arg::new(kind.without).long(kind.without).aliases(no_alias);
        let without = without.action(ArgAction::SetTrue).hide(true);
        command
            .arg(with.overrides_with(kind.without).help_heading(HEADING))
            .arg(without.overrides_with(kind.with))
    })
}

impl FromArgMatches for NewNamespaces {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let with = given(matches).map(|kind| kind.kind).collect();
        Ok(Self(Selection::from(matches, with)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        Self::from_arg_matches(matches).map(|new| *self = new)
    }
}

impl Args for NewNamespaces {
    fn augment_args(command: Command) -> Command {
        options(command, |arg, kind| {
            arg.action(ArgAction::SetTrue)
                .help(format!("Create a new {} namespace", in_words(kind)))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for JoinedNamespaces {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let file = |kind: &KindOption| {
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

impl Args for JoinedNamespaces {
    fn augment_args(command: Command) -> Command {
        options(command, |arg, kind| {
            arg.num_args(0..=1)
                .require_equals(true)
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help(format!(
                    "Join the {} namespace of the process, or that of FILE",
                    in_words(kind)
                ))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Parses a kind.
pub(super) fn kind(text: &str) -> Result<Namespace, String> {
    text.parse().map_err(|error: UnknownNamespace| match text {
        "mount" => "write mnt".to_owned(),
        _ => error.to_string(),
    })
}

/// Returns the name of a kind in prose, as in namespaces(7).
fn in_words(kind: Namespace) -> &'static str {
    match kind {
        Namespace::Mnt => "mount",
        kind => kind.name(),
    }
}

/// Returns the long option of a short one.
pub(crate) fn option_of_letter(letter: char) -> Option<&'static str> {
    match letter {
        'a' => Some("all"),
        _ => KINDS.iter().find(|kind| kind.letter == letter).map(|kind| kind.with),
    }
}

impl Quick for Selection {
    fn option(&mut self, name: &str, _: &mut Words<'_>) -> Option<()> {
        if name == "all" {
            return flag(&mut self.all);
        }
        let names = |kind: &KindOption, option, alias: usize| {
            name == option || kind.aliases.is_some_and(|aliases| name == aliases[alias])
        };
        let kind = |with: bool| {
            let named = KINDS.iter().find(|kind| {
                if with { names(kind, kind.with, 0) } else { names(kind, kind.without, 1) }
            });
            named.map(|kind| kind.kind.flag())
        };
        // The last one of the two options takes effect.
        if let Some(kind) = kind(true) {
            self.with.insert(kind);
            self.without.remove(kind);
        } else {
            let kind = kind(false)?;
            self.without.insert(kind);
            self.with.remove(kind);
        }
        Some(())
    }
}

impl Quick for NewNamespaces {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        self.0.option(name, words)
    }
}

impl Quick for JoinedNamespaces {
    /// The options without `=FILE`.
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        self.selection.option(name, words)
    }
}
