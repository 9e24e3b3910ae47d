//! A child that an intermediate process made after its start had given up.

use std::os::fd::{AsFd, IntoRawFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ns_sys::child::is_readable;
use ns_sys::{Errno, Signal, WaitFlags, pidfd_open, pidfd_send_signal, waitid_pidfd};
use ns_testbed::{LONG, forked};

use super::new_resources;
use crate::process::reap;
use crate::start::shared::SharedState;
use crate::start::unseen_child::{Stored, UnseenChild};

/// Forks a process that does nothing.
fn paused() -> (u32, OwnedFd) {
    // SAFETY: libc's fork keeps libc usable in the child, which only sleeps.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        loop {
            // SAFETY: pause(2) takes no arguments.
            unsafe { libc::pause() };
        }
    }
    let pid = u32::try_from(pid).expect("fork");
    (pid, pidfd_open(pid).expect("pidfd_open"))
}

const KEPT: u32 = 0;
const FREED_TOO_EARLY: u32 = 1;
const FREED: u32 = 2;

/// A kept value that records whether the child has exited when the memory is freed.
struct DropRecorder {
    child: Option<OwnedFd>,
    record: Arc<AtomicU32>,
}

impl Drop for DropRecorder {
    fn drop(&mut self) {
        let has_ended =
            self.child.as_ref().is_none_or(|child| is_readable(child.as_fd()) == Ok(true));
        self.record.store(if has_ended { FREED } else { FREED_TOO_EARLY }, Ordering::SeqCst);
    }
}

/// Checks an intermediate process that has not exited when its start ends. After that, it makes a
/// child if `makes_child` is set.
fn check_killed_before_memory_is_freed(stored: Stored, makes_child: bool) {
    let (_, intermediate) = paused();
    let child = makes_child.then(paused);
    let pidfd = || child.as_ref().map(|(_, pidfd)| pidfd.try_clone().expect("dup"));
    let record = Arc::new(AtomicU32::new(KEPT));

    let resources = new_resources();
    // SAFETY: the value borrows nothing.
    let shared = unsafe { resources.keep(SharedState::new(true)) };
    // SAFETY: as above.
    unsafe { resources.keep(DropRecorder { child: pidfd(), record: Arc::clone(&record) }) };
    // SAFETY: `resources` keeps the shared state. Only `Retained` calls `killed`, before it drops
    // the kept values.
    resources.expect_child(unsafe { UnseenChild::new(shared, stored) });
    resources.add_unexited(intermediate.try_clone().expect("dup"));
    let shared: *const SharedState = shared;
    drop(resources);

    if let Some((pid, _)) = child {
        // SAFETY: the intermediate process has not exited, so the shared state is still kept.
        let shared = unsafe { &*shared };
        if stored == Stored::PidAndPidfd {
            shared.pidfd.store(pidfd().expect("made").into_raw_fd(), Ordering::Release);
        }
        shared.pid.store(pid, Ordering::Release);
    }
    assert_eq!((reap(), record.load(Ordering::SeqCst)), (1, KEPT));
    pidfd_send_signal(&intermediate, Signal::KILL).expect("kill");
    let deadline = Instant::now() + LONG;
    while reap() > 0 {
        assert!(Instant::now() < deadline, "every process is reaped");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(record.load(Ordering::SeqCst), FREED);
    for process in [Some(intermediate), pidfd()].into_iter().flatten() {
        let flags = WaitFlags::ALL | WaitFlags::NOHANG | WaitFlags::NOWAIT;
        assert_eq!(waitid_pidfd(&process, flags), Err(Errno::CHILD), "every process is reaped");
    }
}

/// The child is killed, and the memory that it may use is freed only after its exit.
#[test]
fn child_made_after_its_start_gave_up_is_killed() {
    ns_testbed::run_as!([Root, User], {
        for stored in [Stored::PidAndPidfd, Stored::Pid { is_own: true }] {
            for makes_child in [true, false] {
                let body = || {
                    check_killed_before_memory_is_freed(stored, makes_child);
                    0
                };
                assert_eq!(forked(body), 0, "{stored:?}, makes a child: {makes_child}");
            }
        }
    });
}
