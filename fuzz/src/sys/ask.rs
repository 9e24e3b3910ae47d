//! The kernel's verdict on clone3 arguments.
#![allow(unsafe_code, reason = "arguments that lead anywhere")]

use std::sync::atomic::{AtomicI32, Ordering};

use ns_sys::child::{SignalSet, close, rt_sigprocmask};
use ns_sys::{CloneArgs, CloneFlags, Errno};
use ns_testbed::{await_left, clone3_leave, forked};
use rustix::process::{WaitId, WaitIdOptions, waitid};

/// `__WALL`: children of every kind.
const ALL: WaitIdOptions = WaitIdOptions::from_bits_retain(0x4000_0000);

/// Whether clone3 makes a child of these arguments.
pub(super) fn kernel(args: &CloneArgs<'_>, pidfd: &AtomicI32) -> Result<(), Errno> {
    let asker = || forked(|| ask(args, pidfd));
    // The child of `PARENT` is the asker's sibling, and nobody's business but that of a process
    // between.
    let told = if args.flags().contains(CloneFlags::PARENT) {
        forked(|| {
            let told = asker();
            while waitid(WaitId::All, WaitIdOptions::EXITED | ALL).is_ok() {}
            told
        })
    } else {
        asker()
    };
    assert!((0..134).contains(&told), "the asking process was lost: {told}, {args:?}");
    if told == 0 { Ok(()) } else { Err(Errno::from_raw_os_error(told)) }
}

/// In the forked child: the errno, or 0.
fn ask(args: &CloneArgs<'_>, pidfd: &AtomicI32) -> i32 {
    // Exit signals, and whatever else, must not end the asking process.
    rt_sigprocmask(SignalSet::ALL).expect("block signals");
    // SAFETY: as_ptr leads to SIZE bytes, and all pointers in there are valid.
    match unsafe { clone3_leave(args.as_ptr(), CloneArgs::SIZE) } {
        Ok(made) => {
            let flags = args.flags();
            if flags.contains(CloneFlags::THREAD) || !flags.contains(CloneFlags::PARENT) {
                await_left(made, flags.contains(CloneFlags::THREAD));
            }
            if flags.contains(CloneFlags::PIDFD) {
                // SAFETY: the kernel has just stored a new descriptor here.
                unsafe { close(pidfd.load(Ordering::Relaxed)) }.expect("close the pidfd");
            }
            0
        }
        Err(errno) => errno.raw_os_error(),
    }
}
