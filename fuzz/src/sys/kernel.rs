//! Calls clone3 in a child process, to compare the kernel with the rules of the crate.
#![allow(unsafe_code, reason = "clone3 with arbitrary arguments")]

use std::sync::atomic::{AtomicI32, Ordering};

use ns_sys::child::{SignalSet, close, rt_sigprocmask};
use ns_sys::{CloneArgs, CloneFlags, Errno};
use ns_testbed::{await_left, clone3_leave, forked};
use rustix::process::{WaitId, WaitIdOptions, waitid};

/// `__WALL`: wait for children with any exit signal.
const WALL: WaitIdOptions = WaitIdOptions::from_bits_retain(0x4000_0000);

/// Calls clone3 with these arguments in a forked process, and returns its result.
pub(super) fn clone3(args: &CloneArgs<'_>, pidfd: &AtomicI32) -> Result<(), Errno> {
    let call = || forked(|| clone3_in_child(args, pidfd));
    // With `PARENT` the new process is a sibling of the calling one. An intermediate process is the parent of both, and
    // reaps them.
    let code = if args.flags().contains(CloneFlags::PARENT) {
        forked(|| {
            let code = call();
            while waitid(WaitId::All, WaitIdOptions::EXITED | WALL).is_ok() {}
            code
        })
    } else {
        call()
    };
    assert!((0..134).contains(&code), "the calling process was killed: {code}, {args:?}");
    if code == 0 { Ok(()) } else { Err(Errno::from_raw_os_error(code)) }
}

/// Runs in the forked process. Returns the errno, or 0.
fn clone3_in_child(args: &CloneArgs<'_>, pidfd: &AtomicI32) -> i32 {
    // An exit signal of the new process must not kill this one.
    rt_sigprocmask(SignalSet::ALL).expect("block signals");
    // SAFETY: as_ptr points to SIZE bytes, and `args` borrows everything that they point to.
    match unsafe { clone3_leave(args.as_ptr(), CloneArgs::SIZE) } {
        Ok(child) => {
            let flags = args.flags();
            if flags.contains(CloneFlags::THREAD) || !flags.contains(CloneFlags::PARENT) {
                await_left(child, flags.contains(CloneFlags::THREAD));
            }
            if flags.contains(CloneFlags::PIDFD) {
                // SAFETY: the kernel has stored a new descriptor here, and nothing else owns it.
                unsafe { close(pidfd.load(Ordering::Relaxed)) }.expect("close the pidfd");
            }
            0
        }
        Err(errno) => errno.raw_os_error(),
    }
}
