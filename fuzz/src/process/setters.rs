//! Every setter of a builder, with its arguments.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::hooks::HookPoint;
use super::values::{MountKind, Parameter, Policy, Sets, io_priority};
use arbitrary::{Arbitrary, Result, Unstructured};
use ns_process::{
    Builder, CapabilitySet, Clock, CloneFlags, Init, Memory, Namespace, Personality, Propagation,
    Resource, SeccompFlags, Setgroups, Signal, Stdio,
};

/// A setter and its arguments.
#[derive(Clone, Debug, PartialEq, Arbitrary)]
pub(super) enum Setter {
    Affinity(Vec<u8>),
    Arg(Text),
    Arg0(Text),
    BeforeGo,
    BeforePivot,
    ByChroot,
    CapabilitySets(Sets),
    CgroupTasks,
    CloseFds(bool),
    Console,
    ConsoleSize(u16, u16),
    CreateWorkdir,
    Daemonize(bool),
    DieWithParent,
    Domainname(Text),
    DropCapabilities(u64),
    Env(Text, Text),
    EnvClear,
    EnvRemove(Text),
    ExecLabel(Text),
    Fd(i8, Stream),
    Flags(Flag),
    Gid(u16),
    GidMap(Text),
    Groups(Vec<u8>),
    Hook(HookPoint),
    Hostname(Text),
    InheritIgnored,
    Init,
    IoPriority(u8, u8),
    KeepCapabilities(u64),
    KeepOnly(u64),
    KillOnDrop(bool),
    Loopback,
    MapAuto,
    MapSame,
    MapZero,
    Memory(bool),
    Mount(MountKind),
    MountConsole,
    MountProc,
    Namespaces(Kinds),
    NamespaceFile(Kind, Text),
    NewSession(bool),
    NewSessionKeyring(Option<Text>),
    Nice(i8),
    NoNewPrivs,
    OutputLimit(u16),
    OomScoreAdj(i16),
    ParentDeathSignal(bool),
    Personality(u32),
    Proc(Text),
    ProcessGroup(u16),
    ProgramFd,
    Propagation(u8),
    ReadOnlyRoot,
    Rlimit(u8, u64, u64),
    Rootdir(Text),
    Scheduler(Policy),
    SeccompFlags(u8),
    SeccompListener,
    Setgroups(u8),
    StartTimeout(u16),
    Stream(u8, Stream),
    Sysctl(Parameter, Text),
    TimeOffset(bool, i64, u32),
    Uid(u16),
    UidMap(Text),
    Umask(u16),
    Workdir(Text),
}

/// A text for a name, a path or a variable.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text(pub(super) String);

impl<'a> Arbitrary<'a> for Text {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let known = ["", "/", "/tmp", "a", "a=b", "..", "../a", "x\0y", "net", "0 0 1", "7", "ä\n"];
        Ok(Self(match u.int_in_range(0..=8)? {
            0 => u.arbitrary::<&str>()?.chars().take(80).collect(),
            1 => "n".repeat(u.int_in_range(60..=70)?),
            2 => "/n".repeat(u.int_in_range(2040..=2060)?),
            _ => (*u.choose(&known)?).to_owned(),
        }))
    }
}

/// The file for a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Arbitrary)]
pub(super) enum Stream {
    Inherit,
    Null,
    Piped,
    Path,
    Bytes,
    Borrowed,
}

/// A kind of namespace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Kind(pub(super) Namespace);

impl<'a> Arbitrary<'a> for Kind {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        u.choose(&Namespace::ALL).copied().map(Self)
    }
}

/// A setter of new namespaces.
#[derive(Clone, Debug, PartialEq, Arbitrary)]
pub(super) enum Kinds {
    One(Kind),
    All,
    Without(Kind),
    Named(Text),
}

/// Any flag of clone3, with or without a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Flag(CloneFlags);

impl<'a> Arbitrary<'a> for Flag {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(CloneFlags::from_bits_retain(1 << u.int_in_range(0..=34)?)))
    }
}

impl Setter {
    /// Whether the order of the two setters matters, because they concern the same setting.
    pub(super) fn is_ordered_with(&self, other: &Self) -> bool {
        let group = |setter: &Self| match setter {
            Self::Namespaces(_) | Self::Flags(_) => 1,
            Self::Env(..) | Self::EnvClear | Self::EnvRemove(_) => 2,
            Self::Fd(..) | Self::Stream(..) => 3,
            Self::DieWithParent | Self::ParentDeathSignal(_) => 4,
            Self::CapabilitySets(_) | Self::KeepOnly(_) => 5,
            _ => 0,
        };
        group(self) == group(other) && group(self) > 0
            || std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    pub(super) fn call<Kind>(&self, builder: &mut Builder<Kind>) {
        match self {
            Self::Affinity(cpus) => builder.affinity(cpus.iter().copied().map(u32::from)),
            Self::Arg(arg) => builder.arg(&arg.0),
            Self::Arg0(name) => builder.arg0(&name.0),
            Self::BeforeGo => builder.before_go(|_| ()),
            Self::BeforePivot => builder.before_pivot(|_| ()),
            Self::ByChroot => builder.by_chroot(),
            Self::CapabilitySets(sets) => builder.capability_sets(sets.capabilities()),
            Self::CgroupTasks => builder.cgroup_tasks(null()),
            Self::CloseFds(close) => builder.close_fds(*close),
            Self::Console => builder.console(any_file()),
            Self::ConsoleSize(rows, columns) => builder.console_size(*rows, *columns),
            Self::CreateWorkdir => builder.create_workdir(),
            Self::Daemonize(of_init) if *of_init => builder.daemonize(),
            Self::Daemonize(_) => builder.daemonize_as_child(),
            Self::DieWithParent => builder.die_with_parent(),
            Self::Domainname(name) => builder.domainname(&name.0),
            Self::DropCapabilities(set) => builder.drop_capabilities(capabilities(*set)),
            Self::Env(key, value) => builder.env(&key.0, &value.0),
            Self::EnvClear => builder.env_clear(),
            Self::EnvRemove(key) => builder.env_remove(&key.0),
            Self::ExecLabel(label) => builder.exec_label(&label.0),
            Self::Fd(number, file) => builder.fd((*number).into(), stdio(*file)),
            Self::Flags(flag) => builder.flags(flag.0),
            Self::Gid(gid) => builder.gid((*gid).into()),
            Self::GidMap(text) => match text.0.parse() {
                Ok(map) => builder.gid_map(map),
                Err(_) => builder,
            },
            Self::Groups(groups) => builder.groups(groups.iter().copied().map(u32::from)),
            Self::Hook(point) => point.register(builder, |_| ()),
            Self::Hostname(name) => builder.hostname(&name.0),
            Self::InheritIgnored => builder.inherit_ignored(),
            Self::Init => builder.init(Init::builtin()),
            Self::IoPriority(class, level) => builder.io_priority(io_priority(*class, *level)),
            Self::KeepCapabilities(set) => builder.keep_capabilities(capabilities(*set)),
            Self::KeepOnly(set) => builder.keep_only(capabilities(*set)),
            Self::KillOnDrop(kill) => builder.kill_on_drop(*kill),
            Self::Loopback => builder.loopback(),
            Self::MapAuto => builder.map_auto(),
            Self::MapSame => builder.map_same(),
            Self::MapZero => builder.map_zero(),
            Self::Memory(copied) => {
                builder.memory(if *copied { Memory::Copied } else { Memory::Auto })
            }
            Self::Mount(kind) => builder.mount(kind.mount()),
            Self::MountConsole => builder.mount_console(),
            Self::MountProc => builder.mount_proc(),
            Self::Namespaces(kinds) => kinds.call(builder),
            Self::NamespaceFile(kind, path) => builder.namespace_file(kind.0, &path.0),
            Self::NewSession(new) => builder.new_session(*new),
            Self::NewSessionKeyring(name) => {
                builder.new_session_keyring(name.as_ref().map(|name| &*name.0))
            }
            Self::Nice(nice) => builder.nice((*nice).into()),
            Self::NoNewPrivs => builder.no_new_privs(),
            Self::OutputLimit(bytes) => builder.output_limit((*bytes).into()),
            Self::OomScoreAdj(value) => builder.oom_score_adj((value % 1010).into()),
            Self::Personality(bits) => builder.personality(Personality::from_bits(*bits)),
            Self::ProgramFd => builder.program_fd(any_file()),
            Self::Scheduler(policy) => builder.scheduler(policy.scheduler()),
            Self::Sysctl(name, value) => builder.sysctl(name.0.clone(), &*value.0),
            Self::ParentDeathSignal(term) => {
                builder.parent_death_signal(if *term { Signal::TERM } else { Signal::HUP })
            }
            Self::Proc(path) => builder.proc(&path.0),
            Self::ProcessGroup(group) => builder.process_group((*group).into()),
            Self::Propagation(kind) => builder.propagation(propagation(*kind)),
            Self::ReadOnlyRoot => builder.read_only_root(),
            Self::Rlimit(resource, soft, hard) => {
                builder.rlimit(RESOURCES[usize::from(*resource) % RESOURCES.len()], *soft, *hard)
            }
            Self::Rootdir(path) => builder.rootdir(&path.0),
            Self::SeccompFlags(flags) => builder.seccomp_flags(seccomp_flags(*flags)),
            Self::SeccompListener => builder.seccomp_listener(any_file()),
            Self::Setgroups(policy) => builder.setgroups(
                [Setgroups::Auto, Setgroups::Deny, Setgroups::Keep][usize::from(*policy) % 3],
            ),
            Self::StartTimeout(limit) => {
                builder.start_timeout(std::time::Duration::from_millis((*limit).into()))
            }
            Self::Stream(number, file) => match number % 3 {
                0 => builder.stdin(stdio(*file)),
                1 => builder.stdout(stdio(*file)),
                _ => builder.stderr(stdio(*file)),
            },
            Self::TimeOffset(boot, seconds, nanoseconds) => {
                let clock = if *boot { Clock::Boottime } else { Clock::Monotonic };
                builder.time_offset(clock, *seconds, *nanoseconds)
            }
            Self::Uid(uid) => builder.uid((*uid).into()),
            Self::UidMap(text) => match text.0.parse() {
                Ok(map) => builder.uid_map(map),
                Err(_) => builder,
            },
            Self::Umask(mask) => builder.umask((*mask).into()),
            Self::Workdir(path) => builder.workdir(&path.0),
        };
    }
}

/// A file for a plan, which only checks the settings: it need be neither a socket nor a program.
fn any_file() -> OwnedFd {
    stderr().try_clone_to_owned().expect("dup")
}

fn null() -> File {
    File::options().write(true).open("/dev/null").expect("open")
}

impl Kinds {
    fn call<'a, Kind>(&self, builder: &'a mut Builder<Kind>) -> &'a mut Builder<Kind> {
        match self {
            Self::One(kind) => builder.namespace(kind.0),
            Self::All => builder.all(),
            Self::Without(kind) => builder.without(kind.0),
            Self::Named(name) => builder.namespaces([name.0.as_str()]),
        }
    }
}

const RESOURCES: [Resource; 4] =
    [Resource::Core, Resource::Nofile, Resource::Stack, Resource::Nproc];

fn capabilities(set: u64) -> CapabilitySet {
    CapabilitySet::from_bits_retain(set)
}

fn stdio(file: Stream) -> Stdio {
    match file {
        Stream::Inherit => Stdio::inherit(),
        Stream::Null => Stdio::null(),
        Stream::Piped => Stdio::piped(),
        Stream::Path => Stdio::path("/dev\n/zero"),
        Stream::Bytes => Stdio::bytes("bytes\n"),
        Stream::Borrowed => Stdio::borrowed(stderr()),
    }
}

fn stderr() -> BorrowedFd<'static> {
    static STDERR: std::sync::LazyLock<std::io::Stderr> = std::sync::LazyLock::new(std::io::stderr);
    STDERR.as_fd()
}

fn propagation(kind: u8) -> Propagation {
    [Propagation::Private, Propagation::Slave, Propagation::Shared][usize::from(kind) % 3]
}

fn seccomp_flags(bits: u8) -> SeccompFlags {
    let all = [
        SeccompFlags::TSYNC,
        SeccompFlags::LOG,
        SeccompFlags::SPEC_ALLOW,
        SeccompFlags::WAIT_KILLABLE_RECV,
    ];
    let chosen = all.into_iter().enumerate().filter(|(index, _)| bits >> index & 1 != 0);
    chosen.fold(SeccompFlags::default(), |flags, (_, flag)| flags | flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setters_of_the_same_setting_are_ordered() {
        let variable = Setter::Env(Text("a".into()), Text("b".into()));
        assert!(Setter::EnvClear.is_ordered_with(&variable));
        assert!(Setter::Uid(1).is_ordered_with(&Setter::Uid(2)));
        assert!(!Setter::Uid(1).is_ordered_with(&Setter::Gid(1)));
        assert!(!Setter::Uid(1).is_ordered_with(&variable));
    }
}
