//! Handles of exited processes whose process IDs are reused.
#![allow(unsafe_code, reason = "a child with a chosen process ID")]

use std::process::Command;

use crate::common::in_child;
use crate::common::target::sleep;
use crate::common::users::as_process_1;
use ns_process::{Inject, Namespace, Process, Step, namespace_of};
use ns_sys::{CloneArgs, CloneFlags, UnshareFlags};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, test_kill_process, waitpid};

/// A sleeping process with a given process ID, which must be free.
struct Unrelated(Pid);

impl Unrelated {
    fn with_pid(pid: u32) -> Self {
        let mut args = CloneArgs::new(CloneFlags::empty());
        let tids = [pid];
        args.exit_signal(ns_sys::Signal::CHILD).set_tid(&tids);
        // SAFETY: the caller has one thread, and the child only sleeps.
        let Some(child) = unsafe { ns_sys::clone3(&args) }.expect("clone3") else {
            loop {
                // SAFETY: sleeps.
                unsafe { libc::pause() };
            }
        };
        assert_eq!(child, pid);
        Self(Pid::from_raw(pid.try_into().expect("a pid")).expect("a pid"))
    }

    fn assert_alive(&self) {
        test_kill_process(self.0).expect("it exists");
        let status = waitpid(Some(self.0), WaitOptions::NOHANG).expect("it is a child");
        assert!(status.is_none(), "{status:?}");
    }
}

impl Drop for Unrelated {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
        let _ = waitpid(Some(self.0), WaitOptions::empty());
    }
}

fn sleeper() -> Process {
    sleep().start().expect("start")
}

/// Makes every call of the handle; none of them may affect an unrelated process with the process ID.
fn assert_unrelated_unaffected(process: &Process) {
    let unrelated = Unrelated::with_pid(process.pid());
    let _ = process.terminate();
    let _ = process.kill();
    let _ = process.kill();
    unrelated.assert_alive();
    assert!(!process.is_alive().expect("is_alive"));
    let error = Inject::new(process, "true").start().expect_err("the target has exited");
    assert_eq!(error.step(), Step::TargetGone, "{error}");
    unrelated.assert_alive();
}

/// A joined handle, and a handle whose process was reaped by another wait.
#[test]
fn f16_c06_a_reused_process_id_is_not_signalled() {
    ns_testbed::run_as!([Root, User, Nested], {
        as_process_1(UnshareFlags::empty(), || {
            let joined = sleeper();
            joined.kill().expect("kill");
            joined.join().expect("join");
            joined.terminate().expect("no error after the exit");
            assert_unrelated_unaffected(&joined);

            let lost = sleeper();
            let pid = Pid::from_raw(lost.pid().try_into().expect("a pid"));
            kill_process(pid.expect("a pid"), Signal::KILL).expect("kill");
            waitpid(pid, WaitOptions::empty()).expect("reap");
            assert_unrelated_unaffected(&lost);
        });
    });
}

/// A handle of std does not know that its process ID is reused. Another process is not taken for the child.
#[test]
fn f16_c06_a_reused_process_id_is_not_a_child_of_std() {
    ns_testbed::run_as!([Root, User, Nested], {
        as_process_1(UnshareFlags::empty(), || {
            let mut child = Command::new("sleep").arg("1000").spawn().expect("spawn");
            child.kill().and_then(|()| child.wait()).expect("reap");
            let unrelated = Unrelated::with_pid(child.id());
            // A process that has no such child.
            in_child(|| {
                namespace_of(child.id(), Namespace::Uts).expect("another process has the ID");
                let error = namespace_of(&child, Namespace::Uts).expect_err("it was waited for");
                assert_eq!(error.step(), Step::TargetGone, "{error}");
            });
            unrelated.assert_alive();
        });
    });
}
