//! The processes that end with a process.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use crate::common::cgroup::OwnCgroup;
use crate::common::shell;
use ns_process::{Container, Errno, Init, Namespace, OutputLimit, Process, Signal, Stdio, Step};
use ns_testbed::LONG;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A program and an orphan in a session of its own, which keep the pipe open at descriptor 9.
struct Family {
    container: Container,
    reader: File,
}

impl Family {
    /// Their shells print a line each. Then the program executes `then`.
    fn new(then: &str) -> Self {
        let (reader, writer) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("pipe");
        let orphan = "(setsid sh -c 'echo orphan >&9; exec sleep 1000' >&- 2>&- &)";
        let mut container = shell(&format!("{orphan}; echo parent >&9; {then}"));
        container.fd(9, Stdio::fd(writer));
        Self { container, reader: reader.into() }
    }

    fn in_pid_namespace() -> Self {
        let mut family = Self::new("exec sleep 1000");
        family.container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
        family
    }

    fn start(mut self) -> (Process, File) {
        let process = self.container.start().expect("start");
        // Both run.
        let mut lines = [0; "orphan\nparent\n".len()];
        self.reader.read_exact(&mut lines).expect("two lines");
        (process, self.reader)
    }

    /// Lets the time limit end it.
    fn end_by_limit(self) -> File {
        let output = self.container.output_timeout(Duration::from_secs(1)).expect("start");
        assert_eq!(output.ended_by, Some(OutputLimit::Time));
        self.reader
    }
}

/// Whether every process that had the pipe open has exited.
fn have_ended(reader: &mut File, limit: Duration) -> bool {
    let mut rest = [0; 64];
    loop {
        let mut polled = [PollFd::new(reader, PollFlags::IN)];
        let limit = Timespec::try_from(limit).expect("a limit");
        if rustix::io::retry_on_intr(|| poll(&mut polled, Some(&limit))).expect("poll") == 0 {
            return false;
        }
        if reader.read(&mut rest).expect("read") == 0 {
            return true;
        }
    }
}

fn assert_all_end(mut reader: File) {
    assert!(have_ended(&mut reader, LONG), "a process is left");
}

/// In a new pid namespace everything ends with process 1, with and without an init.
#[test]
fn a_pid_namespace_ends_as_a_whole() {
    ns_testbed::run_as!([Root, User, Nested], {
        let kills: [fn(Process); 4] = [
            |process| process.kill_tree().expect("kill_tree"),
            |process| process.kill().expect("kill"),
            |process| {
                process.terminate_timeout(Duration::ZERO).expect("terminate");
            },
            |process| drop(process.wait_with_output_timeout(Duration::ZERO).expect("output")),
        ];
        for with_init in [false, true] {
            let family = || {
                let mut family = Family::in_pid_namespace();
                if with_init {
                    family.container.init(Init::builtin());
                }
                family
            };
            for kill in kills {
                let (process, reader) = family().start();
                kill(process);
                assert_all_end(reader);
            }
            let mut dropped = family();
            dropped.container.kill_on_drop(true);
            let (process, reader) = dropped.start();
            drop(process);
            assert_all_end(reader);
            assert_all_end(family().end_by_limit());
        }
    });
}

/// After `kill_tree`, a join returns when all processes of the pid namespace have exited.
#[test]
fn a_join_waits_for_the_whole_pid_namespace() {
    ns_testbed::run_as!([Root, User], {
        let (process, mut reader) = Family::in_pid_namespace().start();
        process.kill_tree().expect("kill_tree");
        process.join().expect("join");
        assert!(have_ended(&mut reader, Duration::ZERO));
        process.kill_tree().expect("no error after the exit");
    });
}

/// Without a pid namespace and a cgroup, the error says what to use, and nothing is killed.
#[test]
fn without_namespace_and_cgroup_there_is_no_tree() {
    ns_testbed::run_as!([Root, User], {
        let process = shell("exec sleep 1000").start().expect("start");
        let error = process.kill_tree().expect_err("no tree");
        assert_eq!((error.step(), error.errno()), (Step::Signal, None));
        let hint = error.hint().expect("a hint");
        assert!(hint.contains("pid namespace") && hint.contains("cgroup"), "{error}");
        assert!(process.is_alive().expect("is_alive"));
        process.kill().expect("kill");
        process.join().expect("join");
    });
}

/// Everything in the cgroup ends, also after the exit of the program, and with its limits.
#[test]
fn a_cgroup_ends_as_a_whole() {
    ns_testbed::run_as!([Root], {
        let Some(group) = OwnCgroup::new() else {
            ns_testbed::skip!("no cgroup2 file system that may be written");
        };
        if !fs::exists(format!("{}/cgroup.kill", group.0)).expect("stat") {
            ns_testbed::skip!("cgroup.kill needs Linux 5.14");
        }
        let family = |group: &OwnCgroup, then: &str| {
            let mut family = Family::new(then);
            family.container.cgroup(File::open(&group.0).expect("open"));
            family
        };
        let (process, reader) = family(&group, "exec sleep 1000").start();
        process.kill_tree().expect("kill_tree");
        assert_all_end(reader);
        process.join().expect("join");

        // Since Linux 6.14, the kernel kills each child that is created in this cgroup.
        match family(&group, "exit 0").container.start() {
            Ok(process) => process.kill_tree().expect("kill_tree"),
            Err(error) => assert!(error.hint().is_some_and(|hint| hint.contains("cgroup.kill"))),
        }

        drop(group);
        let group = OwnCgroup::new().expect("another cgroup");
        let (process, mut reader) = family(&group, "exit 0").start();
        process.join().expect("join");
        assert!(!have_ended(&mut reader, Duration::from_millis(50)), "the orphan runs");
        process.kill_tree().expect("kill_tree");
        assert_all_end(reader);

        drop(group);
        process.kill_tree().expect("no process is in a removed cgroup");

        let group = OwnCgroup::new().expect("another cgroup");
        assert_all_end(family(&group, "exec sleep 1000").end_by_limit());
    });
}

/// The root of the hierarchy has no `cgroup.kill`; the error says so, and nothing is killed.
#[test]
fn the_root_cgroup_is_not_killed() {
    ns_testbed::run_as!([Root], {
        let Some(group) = OwnCgroup::new() else {
            ns_testbed::skip!("no cgroup2 file system that may be written");
        };
        let root = Path::new(&group.0).parent().expect("the mount point");
        if fs::exists(root.join("cgroup.type")).expect("stat") {
            ns_testbed::skip!("the root of the hierarchy is not mounted here");
        }
        let mut container = shell("exec sleep 1000");
        let process = container.cgroup(File::open(root).expect("open")).start().expect("start");
        let error = process.kill_tree().expect_err("the root");
        assert_eq!((error.step(), error.errno()), (Step::Signal, Some(Errno::NOENT)), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("root")), "{error}");
        assert!(process.is_alive().expect("is_alive"));
        process.signal(Signal::KILL).expect("kill");
        process.join().expect("join");
    });
}
