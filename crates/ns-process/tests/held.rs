//! Namespaces without a process in them.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::target::Target;
use ns_process::{
    Container, Errno, Inject, Namespace, NamespaceFd, Step, bind_namespace, namespace_of,
    open_namespace, setns_fds, unbind_namespace,
};
use ns_testbed::Leftovers;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::thread::CpuSet;

/// A tmpfs for what is bound, as `/run` is.
struct Run(PathBuf);

impl Run {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("ns-process-held-{}", std::process::id()));
        fs::create_dir(&path).expect("mkdir");
        mount("run", &path, "tmpfs", MountFlags::empty(), None).expect("mount");
        Self(path)
    }

    fn path(&self, kind: Namespace) -> PathBuf {
        self.0.join(kind.name())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
        let _ = fs::remove_dir(&self.0);
    }
}

/// All kinds but one that may not be bound here.
const BOUND: [Namespace; 6] = [
    Namespace::Cgroup,
    Namespace::Ipc,
    Namespace::Net,
    Namespace::Time,
    Namespace::User,
    Namespace::Uts,
];

fn shown(kind: Namespace, namespace: &NamespaceFd) -> String {
    format!("{kind}:[{}]", namespace.id().expect("an id").ino)
}

/// The link that a program sees, of a kind.
fn link_seen(container: &Container, kind: Namespace) -> String {
    let output = container.output().expect("start");
    let text = String::from_utf8(output.stdout).expect("text");
    let at = Namespace::ALL.iter().position(|known| *known == kind).expect("one of them");
    text.lines().nth(at).expect("a line").to_owned()
}

fn linking() -> Container {
    common::shell(
        "for kind in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$kind; done",
    )
}

/// Held by a descriptor while the process is gone, joined then.
#[test]
fn s5_kept_by_a_descriptor() {
    ns_testbed::run_as!([Root, Nested], {
        let mut container = Container::new("sleep");
        let target = Target::new(container.arg("1000").all().map_zero().hostname("kept"));
        let uts = namespace_of(&*target, Namespace::Uts).expect("uts");
        let net = namespace_of(target.pid(), Namespace::Net).expect("net");
        let user = namespace_of(&*target, Namespace::User).expect("user");
        let seen = shown(Namespace::Net, &net);
        drop(target);
        let mut container = linking();
        container.join_namespace(Namespace::User, user).join_namespace(Namespace::Net, net);
        assert_eq!(link_seen(&container, Namespace::Net), seen);
        let name = setns_fds([uts])
            .expect("one")
            .run(|| rustix::system::uname().nodename().to_str().expect("text").to_owned());
        assert_eq!(name.expect("run"), "kept");
    });
}

/// Bound to files, joined after the process is gone, from a container and from an `Inject`, and
/// unbound with nothing left.
#[test]
fn s5_bound_to_a_file() {
    ns_testbed::run_as!([Root, Nested], {
        let before = Leftovers::snapshot();
        let run = Run::new();
        let mut all = Container::new("sleep");
        let target = Target::new(all.arg("1000").all().map_zero());
        let mut bound = Vec::new();
        for kind in BOUND {
            let namespace = namespace_of(&*target, kind).expect("a namespace");
            bind_namespace(&namespace, run.path(kind)).expect("bind");
            bound.push((kind, shown(kind, &namespace)));
        }
        drop(target);
        for (kind, link) in &bound {
            let held = open_namespace(run.path(*kind)).expect("open");
            assert_eq!((held.kind(), &shown(*kind, &held)), (Ok(*kind), link));
            let mut container = linking();
            container.namespace_file(Namespace::User, run.path(Namespace::User));
            assert_eq!(&link_seen(container.namespace_file(*kind, run.path(*kind)), *kind), link);
        }
        let other = Target::in_all();
        let mut inject = Inject::new(&*other, "readlink");
        inject.arg("/proc/self/ns/uts").namespace(Namespace::User);
        let output = inject.namespace_file(Namespace::Uts, run.path(Namespace::Uts)).output();
        // Its owner is another user namespace than the one that is entered, which only root may do.
        if ns_testbed::role() == ns_testbed::Role::Root {
            let text = String::from_utf8(output.expect("start").stdout).expect("text");
            assert_eq!(text.trim(), bound[5].1);
        }
        drop((inject, other));
        for kind in BOUND {
            unbind_namespace(run.path(kind)).expect("unbind");
            assert!(!run.path(kind).exists());
        }
        drop(run);
        common::assert_unchanged(&before);
    });
}

/// A pid namespace can be bound while its pid 1 lives; afterwards nothing can be started in it.
#[test]
fn s5_a_bound_pid_namespace() {
    ns_testbed::run_as!([Root, Nested], {
        let run = Run::new();
        let mut own = Container::new("sleep");
        let target = Target::new(own.arg("1000").namespace(Namespace::Pid));
        let pid = namespace_of(&*target, Namespace::Pid).expect("pid");
        bind_namespace(&pid, run.path(Namespace::Pid)).expect("bind");
        let mut container = Container::new("sh");
        container.args(["-c", "echo $$"]).namespace_file(Namespace::Pid, run.path(Namespace::Pid));
        assert_eq!(container.output().expect("start").stdout, b"2\n");
        drop(target);
        let error = container.start().expect_err("it has no pid 1");
        assert_eq!((error.step(), error.errno()), (Step::Clone, Some(Errno::NOMEM)), "{error}");
        unbind_namespace(run.path(Namespace::Pid)).expect("unbind");
    });
}

/// Binds a new mount namespace. The kernel tells which is older by their numbers, of which each processor
/// has a stock: on the one that made the caller's the new one has a larger number.
fn bind_a_newer(path: &Path) -> NamespaceFd {
    let all = rustix::thread::sched_getaffinity(None).expect("processors");
    for cpu in (0..CpuSet::MAX_CPU).filter(|cpu| all.is_set(*cpu)) {
        let mut one = CpuSet::new();
        one.set(cpu);
        rustix::thread::sched_setaffinity(None, &one).expect("pin");
        let target = Target::new(Container::new("sleep").arg("1000").namespace(Namespace::Mnt));
        rustix::thread::sched_setaffinity(None, &all).expect("unpin");
        let mnt = namespace_of(&*target, Namespace::Mnt).expect("mnt");
        if bind_namespace(&mnt, path).is_ok() {
            return mnt;
        }
    }
    panic!("no new mount namespace could be bound");
}

/// A mount namespace is bound in an older one only.
#[test]
fn s5_a_mount_namespace_is_bound_in_an_older_one() {
    ns_testbed::run_as!([Root, Nested], {
        let run = Run::new();
        let mnt = bind_a_newer(&run.path(Namespace::Mnt));
        let mut container = linking();
        container.namespace_file(Namespace::Mnt, run.path(Namespace::Mnt));
        assert_eq!(link_seen(&container, Namespace::Mnt), shown(Namespace::Mnt, &mnt));
        unbind_namespace(run.path(Namespace::Mnt)).expect("unbind");
        let own = namespace_of(std::process::id(), Namespace::Mnt).expect("own");
        let error = bind_namespace(&own, run.path(Namespace::Mnt)).expect_err("a loop");
        assert_eq!(error.step(), Step::Bind);
        assert!(matches!(error.errno(), Some(Errno::INVAL | Errno::LOOP)), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("older")), "{error}");
        assert!(!run.path(Namespace::Mnt).exists(), "the file is left");
    });
}

/// Every mistake is told, and leaves the files as they were.
#[test]
fn s5_mistakes_with_files() {
    ns_testbed::run_as!([Root, Nested], {
        let run = Run::new();
        let path = run.path(Namespace::Uts);
        let uts = namespace_of(std::process::id(), Namespace::Uts).expect("own");
        fs::write(&path, "kept").expect("write");
        let error = bind_namespace(&uts, &path).expect_err("something is there");
        assert_eq!((error.step(), error.errno()), (Step::Bind, Some(Errno::EXIST)), "{error}");
        let error = unbind_namespace(&path).expect_err("nothing is bound");
        assert_eq!((error.step(), error.errno()), (Step::Bind, Some(Errno::INVAL)), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("read"), "kept");
        let error = open_namespace(&path).expect_err("no namespace");
        assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::NOTTY)), "{error}");
        let error = open_namespace(run.path(Namespace::Net)).expect_err("nothing");
        assert_eq!(error.errno(), Some(Errno::NOENT));
        let error = bind_namespace(&uts, "/nowhere/uts").expect_err("no folder");
        assert_eq!(error.errno(), Some(Errno::NOENT));
    });
}

/// Without privilege over the mount namespace nothing is bound, and no file is left.
#[test]
fn s5_not_bound_without_privilege() {
    ns_testbed::run_as!([User], {
        let path = common::Output::new();
        let uts = namespace_of(std::process::id(), Namespace::Uts).expect("own");
        let error = bind_namespace(&uts, path.path()).expect_err("no privilege");
        assert_eq!((error.step(), error.errno()), (Step::Bind, Some(Errno::PERM)), "{error}");
        assert!(!Path::new(path.path()).exists());
        let error = namespace_of(1, Namespace::Uts).expect_err("root's");
        assert_eq!(error.step(), Step::Join);
        assert!(error.hint().is_some_and(|hint| hint.contains("CAP_SYS_PTRACE")), "{error}");
    });
}
