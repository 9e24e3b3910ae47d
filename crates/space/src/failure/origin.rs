//! The options that a failure of a start is about.

use std::fmt;

use ns_process::{Errno, Error, Namespace, NamespaceFlags, Step};

use super::rewording::reword;
use crate::cli::{Chroot, Execute, Given, Inject, Join, Start};
use crate::print::one_line;

/// What is known about a command line for its messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// The kinds of namespaces that `--no-KIND` excludes.
    pub(super) excluded: NamespaceFlags,
    /// The kinds of namespaces that are selected.
    pub(super) selected: NamespaceFlags,
    /// The name of the option or operand for the root.
    root: &'static str,
    /// The options that describe the maps of users and groups.
    maps: [&'static str; 2],
    /// The option that changes capabilities.
    capabilities: &'static str,
    has_workdir: bool,
    /// The directory of `--host-proc`.
    proc: Option<String>,
    has_host_root: bool,
    cgroup: Option<String>,
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
        let Self { namespaces, maps, ids, mounts, start, .. } = self;
        Origin {
            excluded: namespaces.excluded(),
            selected: namespaces.selected(),
            root: "--rootdir",
            maps: maps.options(*ids),
            has_host_root: mounts.have_host_root(),
            mounts: mounts.given().to_vec(),
            ..Origin::of(start)
        }
    }
}

impl Origins for Chroot {
    fn start(&self) -> &Start {
        &self.start
    }

    fn origin(&self) -> Origin {
        let Self { namespaces, maps, ids, mounts, start, .. } = self;
        Origin {
            excluded: namespaces.excluded(),
            selected: namespaces.selected() | NamespaceFlags::USER | NamespaceFlags::MNT,
            root: "ROOT",
            maps: maps.options(*ids),
            has_host_root: mounts.have_host_root(),
            mounts: mounts.given().to_vec(),
            ..Origin::of(start)
        }
    }
}

impl Origins for Inject {
    fn start(&self) -> &Start {
        &self.start
    }

    fn origin(&self) -> Origin {
        let excluded = self.namespaces.excluded();
        Origin { excluded, root: "--rootdir", ..Origin::of(&self.start) }
    }
}

impl Origins for Join {
    fn start(&self) -> &Start {
        &self.start
    }

    fn origin(&self) -> Origin {
        Origin { root: "--rootdir", ..Origin::of(&self.start) }
    }
}

impl Origin {
    fn of(start: &Start) -> Self {
        Self {
            capabilities: start.privileges.capability_option(),
            has_workdir: start.program.has_workdir(),
            proc: start.program.host_proc().map(|path| path.display().to_string()),
            cgroup: start.limits.cgroup_dir().map(|path| path.display().to_string()),
            ..Self::default()
        }
    }

    /// Returns the option and its value, or else the step and its object, each as one line.
    pub(super) fn subject(&self, error: &Error) -> String {
        let object = error.object().map(one_line);
        let of_step = || [Some(step_name(error.step()).to_owned()), object.clone()];
        let is_in_proc = |object: &str| {
            self.proc.as_ref().is_some_and(|proc| object.starts_with(&one_line(proc)))
        };
        let subject = match (error.step(), object.as_deref()) {
            (_, Some(object)) if is_in_proc(object) => return format!("--host-proc: {object}"),
            (step @ (Step::UidMap | Step::GidMap), Some(object)) => {
                let [uids, gids] = self.maps;
                let option = if step == Step::UidMap { uids } else { gids };
                // The library names the setter of the maps only for some errors.
                let reason =
                    ["map_auto: ", "map_same: "].iter().find_map(|name| object.strip_prefix(name));
                return format!("{option}: {}", reword(reason.unwrap_or(object)));
            }
            (Step::MountTarget | Step::MountSource | Step::Mount, Some(object)) => {
                self.mount(object)
            }
            (Step::Prepare | Step::Join, Some(object)) => of_opened(object),
            (Step::BeforeGo, Some(object)) => {
                let reason = object.strip_prefix("bind_namespace: bind: ").unwrap_or(object);
                return format!("--keep: {reason}");
            }
            (Step::Clone, _) => self.cgroup(error.errno()),
            (step, object) => self.option(step).map(|option| match object {
                Some(object) => format!("{option} {}", value(step, object)),
                None => option.to_owned(),
            }),
        };
        subject.unwrap_or_else(|| of_step().into_iter().flatten().collect::<Vec<_>>().join(": "))
    }

    /// Returns the name of a step without an object.
    #[cfg(test)]
    pub(super) fn step(&self, step: Step) -> &'static str {
        self.option(step).unwrap_or_else(|| step_name(step))
    }

    /// Returns the only option that causes a step.
    fn option(&self, step: Step) -> Option<&'static str> {
        let option = match step {
            Step::BeforeGo => "--keep",
            Step::Capabilities => self.capabilities,
            Step::Cgroup => "--join-cgroup",
            Step::FollowRoot => "--follow-root",
            Step::Gid => "--gid",
            Step::Hostname => "--hostname",
            Step::Init => "--init",
            Step::Loopback => "--loopback",
            Step::Nice => "--nice",
            Step::NoNewPrivs => "--no-new-privs",
            Step::OomScoreAdj => "--oom-score-adj",
            Step::OpenRoot => self.root,
            Step::Rlimit => "--rlimit",
            Step::Seccomp => "--seccomp",
            Step::StartTimeout => "--timeout",
            Step::Sysctl => "--sysctl",
            Step::TargetGone => "PID:",
            Step::TimeOffsets => "--time-offset",
            Step::Uid => "--uid",
            Step::Workdir if self.has_workdir => "--workdir",
            _ => return None,
        };
        Some(option).filter(|option| !option.is_empty())
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
        let host_root = || format!("--host-root: {path}");
        words.or_else(|| self.has_host_root.then(host_root))
    }

    /// Returns the option of the cgroup if it is the reason why no process can be created.
    fn cgroup(&self, errno: Option<Errno>) -> Option<String> {
        let is_reason = matches!(errno, Some(Errno::BADF | Errno::BUSY | Errno::ACCESS));
        let path = self.cgroup.as_ref().filter(|_| is_reason)?;
        Some(format!("--cgroup-dir {}", one_line(path)))
    }
}

/// Returns the value of an option as it is typed.
fn value(step: Step, object: &str) -> String {
    if step == Step::Rlimit { object.to_lowercase() } else { object.to_owned() }
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
    Some(format!("{option}: {reason}"))
}

/// Returns the name of a step that no option or several options cause: that of its system call.
fn step_name(step: Step) -> &'static str {
    match step {
        Step::BecomeZero => "setresuid",
        Step::CoreLimit | Step::NoCore => "prlimit",
        Step::DieWithParent => "prctl",
        Step::Domainname => "setdomainname",
        Step::ExecLabel => "label of a security module",
        Step::IoPriority => "ioprio_set",
        Step::ProcessGroup => "setpgid",
        Step::SignalMask => "rt_sigprocmask",
        Step::Workdir => "working directory",
        step => step.name(),
    }
}
