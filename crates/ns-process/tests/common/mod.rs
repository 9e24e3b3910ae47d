//! Shared by the test binaries: what a program saw, by way of a file.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(unsafe_code, reason = "a hook that does nothing")]

pub(crate) mod cgroup;
pub(crate) mod mapped;
pub(crate) mod target;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use ns_process::Container;

/// A file of its own, removed on drop.
pub(crate) struct Output(PathBuf);

impl Output {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ns-process-{}-{count}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("a plain path")
    }

    pub(crate) fn read(&self) -> String {
        fs::read_to_string(&self.0).expect("the program wrote its file")
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Runs `body` in a process of its own: a copy needs a caller without threads, which no test is.
pub(crate) fn alone(body: impl FnOnce()) {
    let code = ns_testbed::forked(|| {
        body();
        0
    });
    assert_eq!(code, 0);
}

/// A shell that runs `script`.
pub(crate) fn shell(script: &str) -> Container {
    let mut container = Container::new("sh");
    container.arg("-c").arg(script);
    container
}

/// Set for a test that is a program of another test.
pub(crate) const ACT: &str = "NS_ACT";

/// This test binary itself, wherever it lies, to run the test `name` as a program.
pub(crate) fn act(name: &str) -> Container {
    let mut container = Container::new("/proc/self/exe");
    container.args([name, "--exact", "--nocapture"]).env(ACT, "1");
    container.env_remove("NS_TESTBED_ROLE");
    container
}

/// What `script` prints in `container`, which must be a [`shell`] with an empty script.
pub(crate) fn prints(container: impl FnOnce(&mut Container), script: &str) -> String {
    let output = Output::new();
    let mut shell = shell(&format!("exec > {}; {script}", output.path()));
    container(&mut shell);
    let status = shell.start().expect("start").join().expect("join");
    assert!(status.success(), "{script}: {status}");
    output.read()
}

/// Waits until `holds`.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + ns_testbed::LONG;
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Nothing is left. On a busy machine a start may give up a child that it has killed and that has not ended
/// yet.
pub(crate) fn assert_unchanged(before: &ns_testbed::Leftovers) {
    eventually("what starts gave up is reaped", || ns_process::reap() == 0);
    before.assert_unchanged();
}

/// Takes away the right to a lower niceness, whatever this process was given.
pub(crate) fn only_nicer() {
    ns_sys::child::setpriority(19).expect("setpriority");
    ns_sys::child::prlimit(ns_process::Resource::Nice as u32, 0, 0).expect("prlimit");
}

fn allow_all() -> [ns_process::BpfInstruction; 1] {
    [ns_process::BpfInstruction { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 }]
}

/// Containers that make every step between them; `entered` is joined.
pub(crate) fn containers(root: &str, entered: &target::Target) -> Vec<Container> {
    use ns_process::{CapabilitySet, Init, Memory, Mount, Namespace, Resource, Stdio};
    let mut plain = shell("exit 7");
    plain
        .process_group(0)
        .nice(ns_testbed::nicer(1))
        .umask(0o27)
        .die_with_parent()
        .stdout(Stdio::null());
    plain.rlimit(Resource::Nofile, 50, 60).no_new_privs().seccomp(allow_all());
    let mut spaces = shell("exit 7");
    spaces.all().map_zero().mount_proc().hostname("box").domainname("net").loopback();
    spaces.drop_capabilities(CapabilitySet::SYS_BOOT).stdin(Stdio::piped()).before_go(|_| ());
    let mut rooted = shell("exit 7");
    rooted.namespaces([Namespace::User, Namespace::Mnt]).map_zero().rootdir(root);
    rooted.read_only_root().workdir("/usr").seccomp(allow_all()).uid(0).gid(0);
    for folder in ["/usr", "/bin", "/lib", "/lib64"] {
        if std::path::Path::new(folder).exists() {
            rooted.mount(Mount::bind(folder, folder).recursive().read_only().create());
        }
    }
    rooted.mount(Mount::tmpfs("/tmp").create());
    let mut joined = shell("exit 7");
    joined.namespace(Namespace::Mnt);
    for kind in [Namespace::User, Namespace::Pid, Namespace::Uts, Namespace::Net] {
        joined.namespace_file(kind, entered.file(kind));
    }
    let mut copied = shell("exit 7");
    copied.namespaces([Namespace::User, Namespace::Pid]).map_zero().memory(Memory::Copied);
    let mut beside = shell("exit 7");
    beside.namespaces([Namespace::User, Namespace::Pid]).map_zero().die_with_parent().uid(0);
    beside.no_new_privs().seccomp(allow_all()).drop_capabilities(CapabilitySet::SYS_BOOT);
    beside.init(Init::builtin());
    let mut daemon = shell("exit 7");
    daemon.namespaces([Namespace::User, Namespace::Pid]).map_zero().daemonize();
    let mut child = shell("exit 7");
    child.daemonize_as_child().workdir("/");
    vec![plain, spaces, rooted, joined, copied, beside, daemon, child]
}

/// Those that run code of the caller's in the child.
pub(crate) fn guests() -> Vec<Container> {
    use ns_process::Namespace;
    let mut closure = Container::from_fn(|| 7);
    closure.all().map_zero().mount_proc().hostname("box");
    let mut hooked = shell("exit 7");
    hooked.namespaces([Namespace::User, Namespace::Pid]).map_zero();
    // SAFETY: the hook does nothing.
    unsafe { hooked.preexec(|_| ()) };
    let mut forks_own = Container::from_fn(|| 7);
    forks_own.all().without(Namespace::Pid).map_zero();
    let mut daemon = Container::from_fn(|| 7);
    daemon.namespaces([Namespace::User, Namespace::Pid]).map_zero().daemonize();
    let mut beside = Container::from_fn(|| 7);
    beside
        .namespaces([Namespace::User, Namespace::Pid])
        .map_zero()
        .init(ns_process::Init::builtin());
    vec![closure, hooked, forks_own, daemon, beside]
}
