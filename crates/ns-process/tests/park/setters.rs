//! A use of each setter, for programs that print their state.
#![allow(unsafe_code, reason = "hooks that do nothing")]

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use ns_process::{
    Capabilities, CapabilitySet, Clock, CloneFlags, Container, GidMap, Init, IoPriority, Memory,
    Mount, Namespace, Personality, Propagation, Resource, Scheduler, SeccompFlags, Setgroups,
    Signal, Stdio, UidMap,
};
use ns_testbed::{USER, nicer};
use rustix::process::{getegid, geteuid};

use crate::common::filter::allow_all;
use crate::common::receiver::Receiver;
use crate::common::target::Target;

/// What the uses need.
pub(crate) struct Context<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) target: &'a Target,
    /// Keeps the terminals open.
    pub(crate) receiver: (Receiver, OwnedFd),
}

impl Context<'_> {
    fn console<'c>(&self, c: &'c mut Container) -> &'c mut Container {
        let socket = self.receiver.1.try_clone().expect("dup");
        mounts(c).mount(Mount::devpts("/dev/pts")).console(socket)
    }
}

/// Setters of every builder that change nothing that a program can see, or whose effect other tests
/// compare, with the reason.
pub(crate) const NOT_COMPARED: [(&str, &str); 7] = [
    ("cgroup", "clone3(2) creates the process in it, parked or not; not every machine allows it"),
    ("cgroup_tasks", "as cgroup; the process is there before it is parked"),
    ("close_except", "for closures, which execute no program"),
    ("postexec", "as close_except"),
    ("gid_map_helper", "another program that writes the same map, before the process is released"),
    ("uid_map_helper", "as gid_map_helper"),
    ("park_at", "only a parked process waits at a path"),
];

/// The setters of an `Inject`.
pub(crate) const OF_INJECT: [&str; 3] = ["follow_root", "join_cgroup", "match_privileges"];

fn user(container: &mut Container) -> &mut Container {
    container.namespace(Namespace::User).map_zero()
}

fn mounts(container: &mut Container) -> &mut Container {
    user(container).namespace(Namespace::Mnt)
}

/// Calls the setter; `false` if there is no use of it.
#[expect(clippy::too_many_lines, reason = "a list with one case for each setter")]
pub(crate) fn call(setter: &str, c: &mut Container, context: &Context<'_>) -> bool {
    match setter {
        "affinity" => c.affinity([0]),
        "all" => c.all().map_zero(),
        "arg" => c.arg("one").arg("").arg("a b\nc"),
        "arg0" => c.arg0("other"),
        "args" => c.args(["one", "two"]),
        "before_go" => c.before_go(|_| ()),
        "before_pivot" => mounts(c).rootdir("/").before_pivot(|_| ()),
        "by_chroot" => mounts(c).rootdir("/").by_chroot(),
        "capability_sets" => user(c).capability_sets(Capabilities::only(CapabilitySet::KILL)),
        "close_fds" => c.close_fds(false),
        "console" => context.console(c),
        "console_size" => context.console(c).console_size(33, 121),
        "create_workdir" => c.workdir(context.directory.join("new/directory")).create_workdir(),
        "daemonize" => c.daemonize(),
        "daemonize_as_child" => c.daemonize_as_child(),
        "die_with_parent" => c.die_with_parent(),
        "domainname" => user(c).namespace(Namespace::Uts).domainname("domain"),
        "drop_capabilities" => user(c).drop_capabilities(CapabilitySet::SYS_BOOT),
        "env" => c.env("NAME", "value").env("PATH", "/usr/bin:/bin"),
        "env_clear" => c.env_clear(),
        "env_remove" => c.env_remove("HOME").env_remove("none"),
        "envs" => c.envs([("A", "1"), ("B", "")]),
        "exec_label" => c.exec_label("label"),
        // SAFETY: the hook does nothing.
        "exceptexec" => unsafe { c.exceptexec(|_| ()) },
        // SAFETY: as above.
        "exceptup" => unsafe { c.exceptup(|_| ()) },
        // SAFETY: as above.
        "postup" => unsafe { c.postup(|_| ()) },
        // SAFETY: as above.
        "preexec" => unsafe { c.preexec(|_| ()) },
        // SAFETY: as above.
        "preup" => unsafe { c.preup(|_| ()) },
        "fd" => c.fd(5, Stdio::null()).fd(3, Stdio::path("/dev/zero")),
        "flags" => c.flags(CloneFlags::IO),
        "gid" => c.gid(USER),
        "gid_map" => c.namespace(Namespace::User).gid_map(GidMap::current()).map_own_uid(),
        "groups" => c.groups([5, 6]),
        "host_root" => mounts(c).namespace(Namespace::Pid).host_root(),
        "hostname" => user(c).namespace(Namespace::Uts).hostname("box"),
        "inherit_ignored" => c.inherit_ignored(),
        "init" => user(c).namespace(Namespace::Pid).init(Init::builtin()),
        "io_priority" => c.io_priority(IoPriority::best_effort(6)),
        "join_namespace" => {
            for kind in [Namespace::User, Namespace::Net] {
                c.join_namespace(kind, File::open(context.target.file(kind)).expect("open"));
            }
            c
        }
        "keep_capabilities" => {
            c.namespace(Namespace::User).map_seven().keep_capabilities(CapabilitySet::NET_RAW)
        }
        "keep_fd" => c.keep_fd(std::io::stderr()),
        "keep_only" => user(c).keep_only(CapabilitySet::KILL),
        "kill_on_drop" => c.kill_on_drop(true),
        "loopback" => user(c).namespace(Namespace::Net).loopback(),
        "map_auto" => c.namespace(Namespace::User).map_auto(),
        "map_same" => c.namespace(Namespace::User).map_same(),
        "map_zero" => c.namespace(Namespace::User).map_zero(),
        "memory" => c.memory(Memory::Copied),
        "mount" => mounts(c).mount(Mount::tmpfs("/mnt").read_only()),
        "mount_console" => context.console(c).mount_console(),
        "mount_proc" => mounts(c).namespace(Namespace::Pid).mount_proc(),
        "name" => c.name("box"),
        "namespace" => user(c).namespace(Namespace::Ipc),
        "namespace_file" => {
            for kind in [Namespace::User, Namespace::Uts, Namespace::Pid] {
                c.namespace_file(kind, context.target.file(kind));
            }
            c
        }
        "namespaces" => user(c).namespaces([Namespace::Cgroup, Namespace::Pid]),
        "new_session_keyring" => c.new_session_keyring("ns-process test"),
        "new_session" => c.new_session(false),
        "nice" => c.nice(nicer(3)),
        "no_new_privs" => c.no_new_privs(),
        "oom_score_adj" => c.oom_score_adj(900),
        "open_paths" => c.stdin(Stdio::path("/dev/zero")).open_paths(None).expect("open"),
        "output_limit" => c.output_limit(10),
        "parent_death_signal" => c.parent_death_signal(Signal::USR1),
        "personality" => c.personality(Personality::ADDR_NO_RANDOMIZE),
        "proc" => c.proc("/proc/."),
        "process_group" => c.process_group(0),
        "program_fd" => c.program_fd(File::open("/bin/sh").expect("open")),
        "propagation" => mounts(c).propagation(Propagation::Slave),
        "read_only_root" => mounts(c).rootdir("/").read_only_root(),
        "rlimit" => c.rlimit(Resource::Nofile, 50, 60).rlimit(Resource::Core, 0, 5),
        "rootdir" => mounts(c).rootdir("/"),
        "scheduler" => c.scheduler(Scheduler::batch().reset_on_fork()),
        "seccomp" => c.no_new_privs().seccomp(allow_all()),
        "seccomp_flags" => {
            let flags = SeccompFlags::LOG | SeccompFlags::SPEC_ALLOW;
            c.no_new_privs().seccomp(allow_all()).seccomp_flags(flags)
        }
        "seccomp_listener" => {
            let socket = context.receiver.1.try_clone().expect("dup");
            c.no_new_privs().seccomp(allow_all()).seccomp_listener(socket)
        }
        "setgroups" => user(c).setgroups(Setgroups::Deny),
        "start_timeout" => c.start_timeout(Duration::from_secs(60)),
        "stderr" => c.stderr(Stdio::null()),
        "stdin" => c.stdin(Stdio::bytes("text")),
        "stdout" => c.stdout(Stdio::path("/dev/full")),
        "sysctl" => user(c).namespace(Namespace::Net).sysctl("net.ipv4.ip_forward", "1"),
        // It is no terminal: the errors are compared.
        "terminal" => c.terminal(File::open("/dev/null").expect("open")),
        "time_offset" => user(c).namespace(Namespace::Time).time_offset(Clock::Boottime, 1000, 5),
        "uid" => c.uid(USER),
        "uid_map" => c.namespace(Namespace::User).uid_map(UidMap::current()),
        "umask" => c.umask(0o027),
        "without" => c.all().without(Namespace::Net).map_zero(),
        "workdir" => c.workdir("/usr"),
        _ => return false,
    };
    true
}

trait Maps {
    fn map_own_uid(&mut self) -> &mut Self;
    fn map_seven(&mut self) -> &mut Self;
}

impl Maps for Container {
    fn map_own_uid(&mut self) -> &mut Self {
        self.uid_map(UidMap::current())
    }

    /// Maps the caller's IDs to 7, which has no capabilities of its own.
    fn map_seven(&mut self) -> &mut Self {
        let uid = format!("7 {} 1", geteuid().as_raw()).parse().expect("map");
        let gid = format!("7 {} 1", getegid().as_raw()).parse().expect("map");
        self.uid_map(uid).gid_map(gid)
    }
}
