//! Containers that together make every step of a start.

use std::fs::File;
use std::os::unix::net::UnixStream;

use ns_process::{
    CapabilitySet, Container, Init, IoPriority, Memory, Mount, Namespace, Personality, Resource,
    Scheduler, SeccompFlags, Stdio,
};

use super::filter::allow_all;
use super::target::Target;
use super::{mount_host_programs, shell};

/// Containers with a program, which exits with 7. One of them joins namespaces of `target`.
pub(crate) fn programs(root: &str, target: &Target) -> Vec<Container> {
    let mut plain = shell("exit 7");
    // Any file that takes the text; few machines allow a new cgroup.
    plain.cgroup_tasks(File::options().write(true).open("/dev/null").expect("open"));
    plain.process_group(0).nice(ns_testbed::nicer(1)).umask(0o27).die_with_parent();
    plain.stdout(Stdio::null());
    plain.affinity(0..64).scheduler(Scheduler::batch()).io_priority(IoPriority::idle());
    plain.personality(Personality::ADDR_NO_RANDOMIZE);
    plain.rlimit(Resource::Nofile, 50, 60).no_new_privs().seccomp(allow_all());
    plain.seccomp_flags(SeccompFlags::LOG);
    let mut new_namespaces = shell("exit 7");
    new_namespaces.all().map_zero().mount_proc().hostname("box").domainname("net").loopback();
    new_namespaces.drop_capabilities(CapabilitySet::SYS_BOOT).stdin(Stdio::piped());
    new_namespaces.before_go(|_| ()).sysctl("net.ipv4.ip_forward", "1");
    let mut new_root = shell("exit 7");
    new_root.namespaces([Namespace::User, Namespace::Mnt]).map_zero().rootdir(root);
    new_root
        .before_pivot(|_| ())
        .read_only_root()
        .workdir("/usr")
        .seccomp(allow_all())
        .uid(0)
        .gid(0);
    mount_host_programs(&mut new_root);
    new_root.mount(Mount::tmpfs("/tmp").create()).mount(Mount::dev("/dev").create());
    let (receiver, socket) = UnixStream::pair().expect("socketpair");
    // The builder keeps the receiver open.
    new_root.console(socket).console_size(24, 80).mount_console().fd(9, receiver);
    let mut joined = shell("exit 7");
    joined.namespace(Namespace::Mnt).hostname("box").loopback();
    for kind in [Namespace::User, Namespace::Pid, Namespace::Uts, Namespace::Net] {
        joined.namespace_file(kind, target.file(kind));
    }
    let mut exact = shell("exit 7");
    exact.namespace(Namespace::User).map_zero().keep_only(CapabilitySet::KILL);
    exact.new_session_keyring("ns-process test");
    exact.program_fd(File::open("/bin/sh").expect("open")).oom_score_adj(1000);
    let mut copied = shell("exit 7");
    copied.namespaces([Namespace::User, Namespace::Pid]).map_zero().memory(Memory::Copied);
    let mut under_init = shell("exit 7");
    under_init.namespaces([Namespace::User, Namespace::Pid]).map_zero().die_with_parent().uid(0);
    under_init.no_new_privs().seccomp(allow_all()).drop_capabilities(CapabilitySet::SYS_BOOT);
    under_init.init(Init::builtin());
    let mut daemon = shell("exit 7");
    daemon.namespaces([Namespace::User, Namespace::Pid]).map_zero().daemonize();
    let mut daemon_as_child = shell("exit 7");
    daemon_as_child.daemonize_as_child().workdir("/");
    let mut listened = shell("exit 7");
    listened.no_new_privs().seccomp(allow_all());
    let (receiver, socket) = UnixStream::pair().expect("socketpair");
    listened.seccomp_listener(socket).fd(9, receiver);
    let namespaces = [plain, new_namespaces, new_root, joined, exact];
    let others = [copied, under_init, daemon, daemon_as_child, listened];
    namespaces.into_iter().chain(others).collect()
}

/// Containers that run code of the caller in the child, and exit with 7.
pub(crate) fn child_code() -> Vec<Container> {
    let mut closure = Container::from_fn(|| 7);
    closure.all().map_zero().mount_proc().hostname("box");
    let mut hooked = shell("exit 7");
    hooked.namespaces([Namespace::User, Namespace::Pid]).map_zero();
    // SAFETY: the hook does nothing.
    unsafe { hooked.preexec(|_| ()) };
    let mut by_fork = Container::from_fn(|| 7);
    by_fork.all().without(Namespace::Pid).map_zero();
    let mut daemon = Container::from_fn(|| 7);
    daemon.namespaces([Namespace::User, Namespace::Pid]).map_zero().daemonize();
    let mut under_init = Container::from_fn(|| 7);
    under_init.namespaces([Namespace::User, Namespace::Pid]).map_zero().init(Init::builtin());
    vec![closure, hooked, by_fork, daemon, under_init]
}
