//! Namespaces that are kept without a process: by a descriptor or a bind mount.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::common::target::{PRINT_NAMESPACES, Target, sleep};
use crate::common::{Output, assert_unchanged, printed, shell};
use ns_process::{
    Clock, Container, Errno, GidMap, Inject, Namespace, NamespaceFd, Step, UidMap, bind_namespace,
    make_namespace, namespace_of, open_namespace, setns_fds, unbind_namespace,
};
use ns_testbed::Leftovers;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::thread::CpuSet;

/// A tmpfs for bind mounts of namespaces.
struct Run(PathBuf);

impl Run {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("ns-process-run-{}", std::process::id()));
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

/// Every kind except mnt and pid, which have their own tests.
const BOUND: [Namespace; 6] = [
    Namespace::Cgroup,
    Namespace::Ipc,
    Namespace::Net,
    Namespace::Time,
    Namespace::User,
    Namespace::Uts,
];

fn link_of(kind: Namespace, namespace: &NamespaceFd) -> String {
    format!("{kind}:[{}]", namespace.id().expect("an id").ino)
}

/// The namespace of this kind of a program that prints its namespaces.
fn printed_link(container: &Container, kind: Namespace) -> String {
    let text = printed(container);
    let at = Namespace::ALL.iter().position(|known| *known == kind).expect("one of them");
    text.lines().nth(at).expect("a line").to_owned()
}

/// A descriptor keeps a namespace after its process has exited; then it is joined.
#[test]
fn s5_a_descriptor_keeps_a_namespace() {
    ns_testbed::run_as!([Root, Nested], {
        let target = Target::new(sleep().all().map_zero().hostname("kept"));
        let uts = namespace_of(&*target, Namespace::Uts).expect("uts");
        let net = namespace_of(target.pid(), Namespace::Net).expect("net");
        let user = namespace_of(&*target, Namespace::User).expect("user");
        let link = link_of(Namespace::Net, &net);
        drop(target);
        let mut container = shell(PRINT_NAMESPACES);
        container.join_namespace(Namespace::User, user).join_namespace(Namespace::Net, net);
        assert_eq!(printed_link(&container, Namespace::Net), link);
        let name = setns_fds([uts])
            .expect("one")
            .run(|| rustix::system::uname().nodename().to_str().expect("text").to_owned());
        assert_eq!(name.expect("run"), "kept");
    });
}

/// Namespaces are bound to files, joined after their process has exited, by a container and by an `Inject`, and
/// unbound; nothing is left.
#[test]
fn s5_a_bound_file_keeps_a_namespace() {
    ns_testbed::run_as!([Root, Nested], {
        let before = Leftovers::snapshot();
        let run = Run::new();
        let target = Target::new(sleep().all().map_zero());
        let mut bound = Vec::new();
        for kind in BOUND {
            let namespace = namespace_of(&*target, kind).expect("a namespace");
            bind_namespace(&namespace, run.path(kind)).expect("bind");
            bound.push((kind, link_of(kind, &namespace)));
        }
        drop(target);
        for (kind, link) in &bound {
            let held = open_namespace(run.path(*kind)).expect("open");
            assert_eq!((held.kind(), &link_of(*kind, &held)), (Ok(*kind), link));
            let mut container = shell(PRINT_NAMESPACES);
            container.namespace_file(Namespace::User, run.path(Namespace::User));
            assert_eq!(
                &printed_link(container.namespace_file(*kind, run.path(*kind)), *kind),
                link
            );
        }
        let other = Target::in_all();
        let mut inject = Inject::new(&*other, "readlink");
        inject.arg("/proc/self/ns/uts").namespace(Namespace::User);
        let output = inject.namespace_file(Namespace::Uts, run.path(Namespace::Uts)).output();
        // Only root may join it, because another user namespace than the joined one owns it.
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
        assert_unchanged(&before);
    });
}

/// A time namespace is the new one already in `before_go`, before the child has joined it.
#[test]
fn s5_a_new_time_namespace_is_kept_in_before_go() {
    ns_testbed::run_as!([Root, User, Nested], {
        let kept = Arc::new(Mutex::new(None));
        let mut container = shell("cat /proc/self/timens_offsets; readlink /proc/self/ns/time");
        container.namespaces([Namespace::User, Namespace::Time]).map_zero();
        container.time_offset(Clock::Boottime, 1_000_000, 0);
        let slot = Arc::clone(&kept);
        container.before_go(move |child| -> Result<(), ns_process::Error> {
            *slot.lock().expect("a slot") = Some(namespace_of(child.pid(), Namespace::Time)?);
            Ok(())
        });
        let text = printed(&container);
        let kept = kept.lock().expect("a slot").take().expect("kept");
        assert!(text.contains("1000000"), "{text}");
        assert_eq!(text.lines().last(), Some(&*link_of(Namespace::Time, &kept)));
        let maps = (UidMap::current(), GidMap::current());
        let made = make_namespace(Namespace::Time, maps).expect("made");
        let own = namespace_of(std::process::id(), Namespace::Time).expect("own");
        assert_ne!(link_of(Namespace::Time, &made), link_of(Namespace::Time, &own));
    });
}

/// A bound pid namespace can be joined until its process 1 exits.
#[test]
fn s5_a_bound_pid_namespace_ends_with_process_1() {
    ns_testbed::run_as!([Root, Nested], {
        let run = Run::new();
        let target = Target::new(sleep().namespace(Namespace::Pid));
        let pid = namespace_of(&*target, Namespace::Pid).expect("pid");
        bind_namespace(&pid, run.path(Namespace::Pid)).expect("bind");
        let mut container = Container::new("sh");
        container.args(["-c", "echo $$"]).namespace_file(Namespace::Pid, run.path(Namespace::Pid));
        assert_eq!(container.output().expect("start").stdout, b"2\n");
        drop(target);
        let error = container.start().expect_err("it has no process 1");
        assert_eq!((error.step(), error.errno()), (Step::Clone, Some(Errno::NOMEM)), "{error}");
        unbind_namespace(run.path(Namespace::Pid)).expect("unbind");
    });
}

/// Binds a new mount namespace, which must be newer than that of the caller. The kernel compares their IDs, which
/// each processor takes from its own range: on the processor that made the caller's, the new ID is larger.
fn bind_a_newer(path: &Path) -> NamespaceFd {
    let all = rustix::thread::sched_getaffinity(None).expect("processors");
    for cpu in (0..CpuSet::MAX_CPU).filter(|cpu| all.is_set(*cpu)) {
        let mut one = CpuSet::new();
        one.set(cpu);
        rustix::thread::sched_setaffinity(None, &one).expect("pin");
        let target = Target::new(sleep().namespace(Namespace::Mnt));
        rustix::thread::sched_setaffinity(None, &all).expect("unpin");
        let mnt = namespace_of(&*target, Namespace::Mnt).expect("mnt");
        if bind_namespace(&mnt, path).is_ok() {
            return mnt;
        }
    }
    panic!("no new mount namespace could be bound");
}

/// A mount namespace can be bound in an older one only.
#[test]
fn s5_a_mount_namespace_is_bound_in_an_older_one_only() {
    ns_testbed::run_as!([Root, Nested], {
        let run = Run::new();
        let mnt = bind_a_newer(&run.path(Namespace::Mnt));
        let mut container = shell(PRINT_NAMESPACES);
        container.namespace_file(Namespace::Mnt, run.path(Namespace::Mnt));
        assert_eq!(printed_link(&container, Namespace::Mnt), link_of(Namespace::Mnt, &mnt));
        unbind_namespace(run.path(Namespace::Mnt)).expect("unbind");
        let own = namespace_of(std::process::id(), Namespace::Mnt).expect("own");
        let error = bind_namespace(&own, run.path(Namespace::Mnt)).expect_err("a loop");
        assert_eq!(error.step(), Step::Bind);
        assert!(matches!(error.errno(), Some(Errno::INVAL | Errno::LOOP)), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("older")), "{error}");
        assert!(!run.path(Namespace::Mnt).exists(), "the file is left");
    });
}

/// An invalid path is an error, and the files are unchanged.
#[test]
fn s5_invalid_paths_are_refused() {
    ns_testbed::run_as!([Root, Nested], {
        let run = Run::new();
        let path = run.path(Namespace::Uts);
        let uts = namespace_of(std::process::id(), Namespace::Uts).expect("own");
        fs::write(&path, "kept").expect("write");
        let error = bind_namespace(&uts, &path).expect_err("a file exists");
        assert_eq!((error.step(), error.errno()), (Step::Bind, Some(Errno::EXIST)), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.starts_with("the file exists")), "{error}");
        let error = unbind_namespace(&path).expect_err("nothing is bound");
        assert_eq!((error.step(), error.errno()), (Step::Bind, Some(Errno::INVAL)), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("read"), "kept");
        let error = open_namespace(&path).expect_err("no namespace");
        assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::NOTTY)), "{error}");
        let error = open_namespace(run.path(Namespace::Net)).expect_err("no file");
        assert_eq!(error.errno(), Some(Errno::NOENT));
        let error = bind_namespace(&uts, "/nowhere/uts").expect_err("no directory");
        assert_eq!(error.errno(), Some(Errno::NOENT));
        assert_eq!(error.hint(), Some("the directory /nowhere does not exist"));
    });
}

/// Without privilege in the mount namespace nothing is bound, and no file is left.
#[test]
fn s5_binding_needs_privilege() {
    ns_testbed::run_as!([User], {
        let path = Output::new();
        let uts = namespace_of(std::process::id(), Namespace::Uts).expect("own");
        let error = bind_namespace(&uts, path.path()).expect_err("no privilege");
        assert_eq!((error.step(), error.errno()), (Step::Bind, Some(Errno::PERM)), "{error}");
        let hint = "needs CAP_SYS_ADMIN over the caller's mount namespace: run as root";
        assert_eq!(error.hint(), Some(hint));
        assert!(!Path::new(path.path()).exists());
        let error = namespace_of(1, Namespace::Uts).expect_err("a process of root");
        assert_eq!(error.step(), Step::Join);
        assert!(error.hint().is_some_and(|hint| hint.contains("CAP_SYS_PTRACE")), "{error}");
    });
}

/// A namespace of each kind is made without a program, and joined; its user namespace has the maps.
#[test]
fn namespaces_are_made_without_a_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        let error = make_namespace(Namespace::Pid, None).expect_err("it would end at once");
        assert_eq!(error.step(), Step::Check, "{error}");
        let unusual = [Namespace::Time, Namespace::Pid];
        for kind in Namespace::ALL.into_iter().filter(|kind| !unusual.contains(kind)) {
            let maps = (UidMap::current(), GidMap::current());
            let made = make_namespace(kind, maps).unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_eq!(made.kind(), Ok(kind));
            let own = namespace_of(std::process::id(), kind).expect("own");
            assert_ne!(made.id().expect("id"), own.id().expect("id"), "{kind}");
        }
        let maps = ("7 0 1".parse::<UidMap>(), "7 0 1".parse::<GidMap>());
        let is_root = rustix::process::geteuid().is_root();
        if let (true, (Ok(uids), Ok(gids))) = (is_root, maps) {
            let user = make_namespace(Namespace::User, (uids, gids)).expect("make");
            let mut id = Container::new("id");
            id.arg("-u").join_namespace(Namespace::User, user);
            assert_eq!(id.output().expect("output").stdout, b"7\n");
        }
        assert!(reap_is_empty(), "no process is left");
    });
}

/// Without privilege and without maps only a user namespace is made; the error names the step.
#[test]
fn a_namespace_without_maps_needs_privilege() {
    ns_testbed::run_as!([User], {
        make_namespace(Namespace::User, None).expect("a user namespace");
        let error = make_namespace(Namespace::Net, None).expect_err("no privilege");
        assert_eq!((error.step(), error.errno()), (Step::Clone, Some(Errno::PERM)), "{error}");
    });
}

/// Whether this process has no child left.
fn reap_is_empty() -> bool {
    rustix::process::wait(rustix::process::WaitOptions::NOHANG).is_err()
}
