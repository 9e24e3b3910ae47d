//! A process that has ended, and whose number is another one's by now.
#![allow(unsafe_code, reason = "a child of a chosen number")]

mod common;

use std::fs;

use ns_process::{Container, Inject, Process, Step};
use ns_sys::{CloneArgs, CloneFlags, UnshareFlags};
use ns_testbed::forked;
use rustix::process::{
    Pid, Signal, WaitOptions, getegid, geteuid, kill_process, test_kill_process, waitpid,
};

/// Runs `body` as the first process of a pid namespace, where it may choose numbers.
fn as_first(body: impl FnOnce()) {
    let code = forked(|| {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        ns_sys::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWPID).expect("unshare");
        fs::write("/proc/self/setgroups", "deny").expect("setgroups");
        fs::write("/proc/self/uid_map", format!("0 {uid} 1")).expect("uid_map");
        fs::write("/proc/self/gid_map", format!("0 {gid} 1")).expect("gid_map");
        forked(|| {
            body();
            0
        })
    });
    assert_eq!(code, 0);
}

/// A process that sleeps, under a number that is free.
struct Stranger(Pid);

impl Stranger {
    fn new(number: u32) -> Self {
        let mut args = CloneArgs::new(CloneFlags::empty());
        let tids = [number];
        args.exit_signal(17).set_tid(&tids);
        // SAFETY: the caller has one thread, and the child only sleeps.
        let Some(pid) = unsafe { ns_sys::clone3(&args) }.expect("clone3") else {
            loop {
                // SAFETY: sleeps.
                unsafe { libc::pause() };
            }
        };
        assert_eq!(pid, number);
        Self(Pid::from_raw(pid.try_into().expect("a pid")).expect("a pid"))
    }

    fn assert_alive(&self) {
        test_kill_process(self.0).expect("it is there");
        let ended = waitpid(Some(self.0), WaitOptions::NOHANG).expect("it is a child");
        assert!(ended.is_none(), "{ended:?}");
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
        let _ = waitpid(Some(self.0), WaitOptions::empty());
    }
}

fn sleeper() -> Process {
    Container::new("sleep").arg("1000").start().expect("start")
}

/// Everything that a handle can do to its process; none of it meets a stranger.
fn assert_hits_nobody(process: &Process) {
    let stranger = Stranger::new(process.pid());
    let _ = process.terminate();
    let _ = process.kill();
    let _ = process.signal(Signal::KILL);
    stranger.assert_alive();
    assert!(!process.is_alive().expect("it has ended"));
    let error = Inject::new(process, "true").start().expect_err("the target has ended");
    assert_eq!(error.step(), Step::TargetGone, "{error}");
    stranger.assert_alive();
}

/// A handle that knows the end, and one whose process somebody else has reaped.
#[test]
fn f16_c06_a_number_that_is_another_ones() {
    ns_testbed::run_as!([Root, User, Nested], {
        as_first(|| {
            let joined = sleeper();
            joined.kill().expect("kill");
            joined.join().expect("join");
            joined.terminate().expect("nothing to do any more");
            assert_hits_nobody(&joined);

            let lost = sleeper();
            let pid = Pid::from_raw(lost.pid().try_into().expect("a pid"));
            kill_process(pid.expect("a pid"), Signal::KILL).expect("kill");
            waitpid(pid, WaitOptions::empty()).expect("reap");
            assert_hits_nobody(&lost);
        });
    });
}
