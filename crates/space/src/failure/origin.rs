//! The options that a failure of a start is about.

use std::ffi::OsString;
use std::fmt;

use ns_process::{Errno, Error, Namespace, NamespaceFlags, Step};

use super::rewording::reword;
use super::steps;
use super::typed::{Typed, takes_value};
use crate::cli::{Chroot, Execute, Given, Inject, Join, Start};
use crate::print::one_line;

/// What is known about a command line for its messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(super) typed: Typed,
    /// The kinds of namespaces that `--no-KIND` excludes.
    pub(super) excluded: NamespaceFlags,
    /// The kinds of namespaces that are created.
    pub(super) selected: NamespaceFlags,
    /// The kinds of namespaces that an option selects.
    by_option: NamespaceFlags,
    /// Whether the verb joins namespaces and creates none.
    pub(super) joins: bool,
    /// The name of the option or operand for the root.
    root: &'static str,
    /// The options that describe the maps of users and groups.
    maps: [&'static str; 2],
    pub(super) has_maps: bool,
    has_host_root: bool,
    mounts: Vec<Given>,
}

/// A verb with its options.
pub(crate) trait Origins: fmt::Debug {
    fn start(&self) -> &Start;

    /// Returns the options that a failure may be about. This is called after a failure only.
    fn origin(&self) -> Origin;
}

impl Origins for Execute {
    fn start(&self) -> &Start {
        &self.start
    }

    fn origin(&self) -> Origin {
        let Self { namespaces, maps, ids, mounts, .. } = self;
        Origin {
            excluded: namespaces.excluded(),
            selected: namespaces.selected(),
            by_option: namespaces.selected(),
            root: "--rootdir",
            maps: maps.options(*ids),
            has_maps: maps.are_given() || ids.are_given(),
            has_host_root: mounts.have_host_root(),
            mounts: mounts.given().to_vec(),
            ..Origin::default()
        }
    }
}

impl Origins for Chroot {
    fn start(&self) -> &Start {
        &self.start
    }

    fn origin(&self) -> Origin {
        let Self { namespaces, maps, ids, mounts, .. } = self;
        Origin {
            excluded: namespaces.excluded(),
            selected: namespaces.selected() | NamespaceFlags::USER | NamespaceFlags::MNT,
            by_option: namespaces.selected(),
            root: "ROOT",
            maps: maps.options(*ids),
            has_maps: maps.are_given() || ids.are_given(),
            has_host_root: mounts.have_host_root(),
            mounts: mounts.given().to_vec(),
            ..Origin::default()
        }
    }
}

impl Origins for Inject {
    fn start(&self) -> &Start {
        &self.start
    }

    fn origin(&self) -> Origin {
        let excluded = self.namespaces.excluded();
        Origin { excluded, root: "--rootdir", joins: true, ..Origin::default() }
    }
}

impl Origins for Join {
    fn start(&self) -> &Start {
        &self.start
    }

    fn origin(&self) -> Origin {
        Origin { root: "--rootdir", joins: true, ..Origin::default() }
    }
}

impl Origin {
    /// Adds the words of the command line before the program.
    pub(crate) fn typed(mut self, words: &[OsString]) -> Self {
        self.typed = Typed::new(words);
        self
    }

    /// Returns the option and its value, or else the step and its object, each as one line.
    pub(super) fn subject(&self, error: &Error) -> String {
        let object = error.object().map(one_line);
        let step = error.step();
        let subject = match (step, object.as_deref()) {
            (_, Some(object)) if self.is_in_proc(object) => {
                self.host_proc().map(|option| format!("{option}: {object}"))
            }
            (Step::UidMap | Step::GidMap, Some(object)) => Some(self.map(step, object)),
            (Step::MountTarget | Step::MountSource | Step::Mount, object) => {
                object.or_else(|| target(error)).and_then(|path| self.mount(path))
            }
            (Step::Prepare | Step::Join, Some(object)) => of_opened(object),
            (Step::StartTimeout, Some(object)) if object.starts_with("descriptor ") => {
                of_opened(object)
            }
            (Step::Clone, object) => {
                self.cgroup(error.errno()).or_else(|| self.namespaces(object?))
            }
            (Step::OpenRoot | Step::Chroot | Step::PivotRoot | Step::ReadOnlyRoot, Some(path)) => {
                Some(format!("{} {path}", self.root))
            }
            (Step::TargetGone, Some(object)) => Some(format!("PID: {object}")),
            _ => None,
        };
        let subject = subject.or_else(|| self.option(step, object.as_deref()));
        let step = steps::name(step);
        subject
            .unwrap_or_else(|| object.map_or(step.to_owned(), |object| format!("{step}: {object}")))
    }

    /// Returns the name of a step without an object.
    #[cfg(test)]
    pub(super) fn step(&self, step: Step) -> String {
        self.option(step, None).unwrap_or_else(|| steps::name(step).to_owned())
    }

    /// Returns the option that causes a step, with its value.
    fn option(&self, step: Step, object: Option<&str>) -> Option<String> {
        let certain = steps::options(step);
        let possible = steps::possible_options(step);
        let typed = self.typed.first(certain, object);
        let typed = typed.or_else(|| self.typed.first(possible, object));
        let option = typed.or_else(|| Some(format!("--{}", certain.first()?)))?;
        let shows_value = certain.iter().chain(possible).any(|name| takes_value(name));
        Some(match object.filter(|_| !shows_value) {
            Some(object) => format!("{option}: {object}"),
            None => option,
        })
    }

    /// Returns the option of a setting that is refused, with its value.
    pub(super) fn setting(&self, option: &str) -> String {
        let Some(name) = option.strip_prefix("--") else { return option.to_owned() };
        let typed = self.typed.first(steps::of_setting(name), None);
        let typed = typed.or_else(|| self.typed.first(&[name], None));
        typed.unwrap_or_else(|| option.to_owned())
    }

    /// Returns the option of the map that is refused, and the reason.
    fn map(&self, step: Step, object: &str) -> String {
        let [uids, gids] = self.maps;
        let option = if step == Step::UidMap { uids } else { gids };
        // The library names the setter of the maps only for some errors.
        let reason = ["map_auto: ", "map_same: "].iter().find_map(|name| object.strip_prefix(name));
        let reason = reword(reason.unwrap_or(object));
        let subject = self.setting(option);
        if subject == option {
            return format!("{option}: {reason}");
        }
        format!("{subject}: {}", without_map(&reason))
    }

    /// Returns the option of the mount with this source or target.
    fn mount(&self, path: &str) -> Option<String> {
        let names =
            |given: &&Given| given.words().any(|word| one_line(&word.to_string_lossy()) == path);
        let given = self.mounts.iter().filter(|given| given.name != "chmod").rfind(names);
        let words = given.map(|given| {
            let words = given.words().map(|word| one_line(&word.to_string_lossy()));
            [format!("--{}", given.name)].into_iter().chain(words).collect::<Vec<_>>().join(" ")
        });
        let mounts_proc = path == "/proc" && self.typed.has("mount-proc");
        words
            .or_else(|| mounts_proc.then(|| "--mount-proc".to_owned()))
            .or_else(|| self.has_host_root.then(|| format!("--host-root: {path}")))
    }

    /// Returns the option of the cgroup if it is the reason why no process can be created.
    fn cgroup(&self, errno: Option<Errno>) -> Option<String> {
        let is_reason = matches!(errno, Some(Errno::BADF | Errno::BUSY | Errno::ACCESS));
        self.typed.first(&["cgroup-dir"], None).filter(|_| is_reason)
    }

    /// Returns the options that select the namespaces which cannot be created.
    fn namespaces(&self, object: &str) -> Option<String> {
        let kinds = object.split(',').map(|kind| kind.parse::<Namespace>().ok());
        let kinds: NamespaceFlags = kinds.collect::<Option<Vec<_>>>()?.into_iter().collect();
        if self.by_option == NamespaceFlags::all() {
            return Some("--all".to_owned());
        }
        let options: Vec<_> = kinds.kinds().map(|kind| format!("--{}", kind.name())).collect();
        self.by_option.contains(kinds).then(|| options.join(" "))
    }

    /// Returns `--host-proc` with its value.
    pub(super) fn host_proc(&self) -> Option<String> {
        self.typed.first(&["host-proc"], None)
    }

    fn is_in_proc(&self, object: &str) -> bool {
        let proc = self.typed.value("host-proc", None).map(one_line);
        proc.is_some_and(|proc| object.starts_with(&proc))
    }

    /// Whether the error is that proc is not mounted.
    pub(super) fn lacks_proc(&self, error: &Error) -> bool {
        let proc = self.typed.value("host-proc", None).unwrap_or("/proc");
        let path = format!("{}/self", proc.trim_end_matches('/'));
        error.errno() == Some(Errno::NOENT) && error.object() == Some(path.as_str())
    }
}

/// Removes the map, and the entry of a map with only one, from a reason. The option that was typed contains them.
fn without_map(reason: &str) -> &str {
    let is_map = |text: &str| text.chars().all(|char| char.is_ascii_digit() || " ,".contains(char));
    let first = reason.split_once(": ").filter(|(map, _)| is_map(map));
    let (is_list, reason) = first.map_or((false, reason), |(map, rest)| (map.contains(','), rest));
    let entry = reason.strip_prefix("entry 1 (").filter(|_| !is_list);
    let rest = entry.and_then(|entry| entry.split_once("): "));
    rest.map_or(reason, |(_, rest)| rest)
}

/// Returns the target of a mount whose source has no path. The hint names it.
fn target(error: &Error) -> Option<&str> {
    let (_, target) = error.hint()?.split_once(" of the mount on ")?;
    Some(target.split_once(": ").map_or(target, |(target, _)| target))
}

/// Returns the option or operand of a file or process that cannot be opened.
fn of_opened(object: &str) -> Option<String> {
    let of_namespace = object.rsplit_once(", for ");
    if let Some((path, kind)) = of_namespace.filter(|(_, kind)| kind.parse::<Namespace>().is_ok()) {
        return Some(format!("--{kind}={path}"));
    }
    if object.starts_with("process ") || object.contains(" of process ") {
        return Some(format!("PID: {object}"));
    }
    let (number, reason) = object.strip_prefix("descriptor ")?.split_once(": ")?;
    let streams = [("0", "--stdin"), ("1", "--stdout"), ("2", "--stderr")];
    let (_, option) = streams.iter().find(|(known, _)| *known == number)?;
    Some(match reason.strip_prefix("could not open ") {
        Some(path) => format!("{option} {path}"),
        None => format!("{option}: {reason}"),
    })
}
