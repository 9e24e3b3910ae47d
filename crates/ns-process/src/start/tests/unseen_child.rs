//! A child that a process between made after its start had given that one up.

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
use crate::start::unseen_child::{Known, Unseen};

/// A process that does nothing.
fn paused() -> (u32, OwnedFd) {
    // SAFETY: libc's fork repairs libc's own state; the child only sleeps.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        loop {
            // SAFETY: sleeps.
            unsafe { libc::pause() };
        }
    }
    let pid = u32::try_from(pid).expect("fork");
    (pid, pidfd_open(pid).expect("pidfd_open"))
}

const KEPT: u32 = 0;
const FREED_TOO_EARLY: u32 = 1;
const FREED: u32 = 2;

/// On the ground: sees whether the child has ended when the memory is freed.
struct Witness {
    child: Option<OwnedFd>,
    saw: Arc<AtomicU32>,
}

impl Drop for Witness {
    fn drop(&mut self) {
        let has_ended =
            self.child.as_ref().is_none_or(|child| is_readable(child.as_fd()) == Ok(true));
        self.saw.store(if has_ended { FREED } else { FREED_TOO_EARLY }, Ordering::SeqCst);
    }
}

/// The process between is stuck when its start ends, and makes a child afterwards, or none.
fn is_ended_before_its_memory(known: Known, makes: bool) {
    let (_, between) = paused();
    let child = makes.then(paused);
    let pidfd = || child.as_ref().map(|(_, pidfd)| pidfd.try_clone().expect("dup"));
    let saw = Arc::new(AtomicU32::new(KEPT));

    let resources = new_resources();
    // SAFETY: neither leads to anything but itself.
    let shared = unsafe { resources.keep(SharedState::new(true)) };
    // SAFETY: as above.
    unsafe { resources.keep(Witness { child: pidfd(), saw: Arc::clone(&saw) }) };
    // SAFETY: the ground keeps the board.
    resources.expect_child(unsafe { Unseen::new(shared, known) });
    resources.adopt(between.try_clone().expect("dup"));
    let shared: *const SharedState = shared;
    drop(resources);

    if let Some((pid, _)) = child {
        // SAFETY: the process between has not ended, so that the board is kept.
        let shared = unsafe { &*shared };
        if known == Known::ByDescriptor {
            shared.pidfd.store(pidfd().expect("made").into_raw_fd(), Ordering::Release);
        }
        shared.pid.store(pid, Ordering::Release);
    }
    assert_eq!((reap(), saw.load(Ordering::SeqCst)), (1, KEPT));
    pidfd_send_signal(&between, Signal::KILL).expect("kill");
    let deadline = Instant::now() + LONG;
    while reap() > 0 {
        assert!(Instant::now() < deadline, "it is reaped");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(saw.load(Ordering::SeqCst), FREED);
    for process in [Some(between), pidfd()].into_iter().flatten() {
        let flags = WaitFlags::ALL | WaitFlags::NOHANG | WaitFlags::NOWAIT;
        assert_eq!(waitid_pidfd(&process, flags), Err(Errno::CHILD), "it is reaped");
    }
}

/// Whatever it is in, the child is ended, and the memory that it may have is freed after that.
#[test]
fn a_child_made_after_its_start_gave_up() {
    ns_testbed::run_as!([Root, User], {
        for known in [Known::ByDescriptor, Known::ByNumber { is_own: true }] {
            for makes in [true, false] {
                let body = || {
                    is_ended_before_its_memory(known, makes);
                    0
                };
                assert_eq!(forked(body), 0, "{known:?}, makes one: {makes}");
            }
        }
    });
}
