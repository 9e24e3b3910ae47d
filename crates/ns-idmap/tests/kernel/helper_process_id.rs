//! The process ID that a helper gets comes from the open directory of the process.

use std::fs::File;
use std::os::fd::AsFd;
use std::thread;

use ns_idmap::{Helper, HelperError, ProcError, Uid, UidMap};
use ns_testbed::LONG;
use rustix::mount::{MountFlags, mount};
use rustix::process::{Pid, WaitOptions, waitpid};

use crate::fixtures::{MountGuard, TestDir};
use crate::process::{Target, in_child, unshare_pids};

/// A helper that prints its first argument and fails.
fn printing(dir: &TestDir) -> Helper<Uid> {
    dir.helper("printing", "printf %s $1 >&2; exit 1")
}

fn write_by(dir: impl AsFd, helper: &Helper<Uid>) -> HelperError {
    UidMap::current().write_by(dir, helper).expect_err("the helper writes no map")
}

/// The process ID that the helper got.
fn printed(error: HelperError) -> u32 {
    let HelperError::Failed { said, .. } = error else { panic!("{error:?}") };
    said.parse().expect("a process ID")
}

fn mount_proc(dir: &TestDir) -> MountGuard {
    mount("proc", dir.path(""), "proc", MountFlags::empty(), None).expect("mount proc");
    MountGuard::adopt(dir.path(""))
}

/// Directories of two processes, of a thread, and of the caller.
#[test]
fn d09_helper_gets_the_process_of_the_directory() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TestDir::new("pid");
        let (helper, targets) = (printing(&dir), [Target::new(), Target::new()]);
        for target in &targets {
            assert_eq!(printed(write_by(target, &helper)), target.pid());
        }
        let own = File::open("/proc/self").expect("open");
        assert_eq!(printed(write_by(&own, &helper)), std::process::id());
        let thread = File::open("/proc/thread-self").expect("open");
        let id = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
        assert_eq!(printed(write_by(&thread, &helper)), id);
    });
}

/// Another mount of the same PID namespace serves as well as `/proc`.
#[test]
fn d09_another_mount_of_proc() {
    ns_testbed::run_as!([Root], {
        let (dir, scripts) = (TestDir::new("other-proc"), TestDir::new("other-proc-helper"));
        let (_mount, target) = (mount_proc(&dir), Target::new());
        let proc_dir = File::open(dir.path(&target.pid().to_string())).expect("open");
        assert_eq!(printed(write_by(&proc_dir, &printing(&scripts))), target.pid());
    });
}

/// In the inner PID namespace the process has an ID that belongs to another process in `/proc`.
#[test]
fn d09_proc_of_another_pid_namespace() {
    ns_testbed::run_as!([Root], {
        let (dir, scripts) = (TestDir::new("inner-proc"), TestDir::new("inner-proc-helper"));
        let helper = printing(&scripts);
        in_child(|| {
            unshare_pids();
            in_child(|| {
                let _mount = mount_proc(&dir);
                let target = Target::in_proc(dir.path(""));
                let inner = File::open(dir.path(&target.pid().to_string())).expect("open");
                let error = write_by(&inner, &helper);
                let HelperError::Proc(ProcError::OtherPidNamespace) = error else {
                    panic!("{error:?}")
                };
                assert!(error.to_string().contains("give a directory in /proc"), "{error}");
                UidMap::from(0).write(&inner).expect("a direct write needs no process ID");
            });
        });
    });
}

/// The directory of a reaped process, and directories of no process. No helper is executed.
#[test]
fn a15_helper_without_process() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (dir, target) = (TestDir::new("no-process"), Target::new());
        let marker = dir.path("executed");
        let helper = dir.helper("helper", &format!("touch {}", marker.display()));
        let reaped = File::open(format!("/proc/{}", target.pid())).expect("open");
        drop(target);
        for proc_dir in [reaped, File::open("/proc").expect("open"), File::open("/").expect("open")]
        {
            let error = write_by(&proc_dir, &helper);
            assert!(matches!(error, HelperError::Proc(ProcError::NoProcess { .. })), "{error:?}");
            let message = "the process has terminated, or its directory is not a /proc/PID";
            assert_eq!(error.to_string(), message);
        }
        dir.file("stat", "1 (init) S");
        let error = write_by(File::open(dir.path("")).expect("open"), &helper);
        let expected = matches!(error, HelperError::Proc(ProcError::NotProc { file: "stat" }));
        assert!(expected, "{error:?}");
        assert!(!marker.exists(), "the helper was executed");
    });
}

/// The process is reaped while the helper runs, so its ID may be reused: the success of the helper proves nothing.
#[test]
fn a15_process_is_reaped_while_the_helper_runs() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (dir, mut target) = (TestDir::new("reaped"), Target::new());
        let helper = dir.helper("helper", "kill -KILL $1; while [ -e /proc/$1 ]; do :; done");
        let pid = Pid::from_raw(target.pid().try_into().expect("a pid"));
        let error = thread::scope(|scope| {
            scope.spawn(|| waitpid(pid, WaitOptions::empty()).expect("reap"));
            write_by(&target, &helper.timeout(LONG))
        });
        target.set_reaped();
        assert!(matches!(error, HelperError::Proc(ProcError::NoProcess { .. })), "{error:?}");
    });
}
