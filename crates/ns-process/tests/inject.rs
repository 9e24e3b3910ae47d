//! Programs in the namespaces of others.

mod common;

use std::fs;
use std::ops::Deref;
use std::os::fd::OwnedFd;

use common::shell;
use ns_process::{Clock, Container, Errno, Inject, Memory, Namespace, Process, Step};

/// Prints the eight links of the namespaces that it is in.
const LINKS: &str = "for kind in cgroup ipc mnt net pid time user uts; do \
                     readlink /proc/self/ns/$kind; done";

/// A process to be entered, gone when it is dropped.
struct Target(Process);

impl Target {
    fn new(container: &Container) -> Self {
        Self(container.start().expect("a target"))
    }
}

impl Deref for Target {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.0
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.kill().and_then(|()| self.join()).expect("it runs until now");
    }
}

fn all() -> Container {
    let mut container = Container::new("sleep");
    container.arg("1000").all().without(Namespace::Time).map_zero().mount_proc();
    container
}

fn links_of(pid: u32) -> Vec<String> {
    let link = |kind: Namespace| fs::read_link(format!("/proc/{pid}/ns/{}", kind.name()));
    Namespace::ALL.map(|kind| link(kind).expect("a link").display().to_string()).to_vec()
}

fn printed(inject: &Inject) -> Vec<String> {
    let output = inject.output().expect("start");
    String::from_utf8(output.stdout).expect("text").lines().map(ToOwned::to_owned).collect()
}

fn script(inject: &mut Inject) -> &mut Inject {
    inject.args(["-c", LINKS])
}

/// None selected is all of them, by pid, by handle and by descriptor.
#[test]
fn s5_none_selected_is_all() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::new(&all());
        let links = links_of(target.pid());
        let pidfd: OwnedFd = ns_sys::pidfd_open(target.pid()).expect("pidfd");
        assert_eq!(printed(script(&mut Inject::new(&*target, "sh"))), links);
        assert_eq!(printed(script(&mut Inject::new(target.pid(), "sh"))), links);
        assert_eq!(printed(script(&mut Inject::new(pidfd, "sh"))), links);
        let text = target.pid().to_string();
        assert_eq!(printed(script(&mut Inject::new(text.as_str(), "sh"))), links);
    });
}

/// A target in the caller's own user namespace: that one is left out.
#[test]
fn c02_in_the_callers_user_namespace() {
    ns_testbed::run_as!([Root], {
        let mut all = Container::new("sleep");
        all.arg("1000").all().without(Namespace::Time).without(Namespace::User).mount_proc();
        let target = Target::new(&all);
        assert_eq!(printed(script(&mut Inject::new(&*target, "sh"))), links_of(target.pid()));
    });
}

/// The program is the caller's child, in the target's pid namespace.
#[test]
fn c05_a_child_of_the_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::new(&all());
        let output = Inject::new(&*target, "sh").args(["-c", "echo $PPID $$"]).output();
        let output = output.expect("start");
        let text = String::from_utf8(output.stdout).expect("text");
        let (parent, own) = text.trim().split_once(' ').expect("two");
        assert_eq!(parent, "0");
        assert_ne!(own, "1");
        let process = Inject::new(&*target, "sh").args(["-c", "exit 7"]).start().expect("start");
        assert!(fs::read_to_string(format!("/proc/{}/stat", process.pid())).is_ok());
        assert_eq!(process.join().expect("join").code(), Some(7));
    });
}

/// A target that has ended, or never was.
#[test]
fn c07_no_target() {
    ns_testbed::run_as!([Root, User], {
        let target = all().start().expect("start");
        target.kill().expect("kill");
        target.join().expect("join");
        let error = Inject::new(&target, "true").start().expect_err("it has ended");
        assert_eq!((error.step(), error.errno()), (Step::TargetGone, Some(Errno::SRCH)));
        let error = Inject::new("1x", "true").start().expect_err("no number");
        assert_eq!(error.step(), Step::Check);
        let error = shell("true").namespace_file(Namespace::Uts, "/proc/self/ns/ipc").start();
        let error = error.expect_err("another kind");
        assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::INVAL)));
        assert!(error.to_string().contains("ipc"), "{error}");
    });
}

/// A time namespace is entered by way of a copy of memory.
#[test]
fn s5_time() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut all = Container::new("sleep");
        all.arg("1000").all().map_zero().mount_proc().time_offset(Clock::Boottime, 1000, 0);
        let target = Target::new(&all);
        assert_eq!(printed(script(&mut Inject::new(&*target, "sh"))), links_of(target.pid()));
        let mut time = Inject::new(&*target, "sh");
        time.namespaces([Namespace::User, Namespace::Time]);
        let seen = printed(script(&mut time));
        assert_eq!(seen[5..7], links_of(target.pid())[5..7]);
    });
}

/// Memory that is copied gives the same.
#[test]
fn copied_memory_gives_the_same() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = shell("cat /proc/self/uid_map; exit 5");
        container.all().map_zero().mount_proc().time_offset(Clock::Boottime, 1000, 0);
        let shared = container.output().expect("start");
        let copied = container.memory(Memory::Copied).output().expect("start");
        assert_eq!(shared, copied);
        let error = Container::new("/nope").memory(Memory::Copied).start().expect_err("nothing");
        assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
    });
}
