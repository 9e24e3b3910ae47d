//! The process between, which enters a pid namespace so that its child is in it.
#![allow(unsafe_code, reason = "children in shared memory, made by hand")]

use std::ffi::c_void;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use ns_sys::child;
use ns_sys::{CloneArgs, CloneFlags, WaitFlags, clone3_entry, futex, waitid_pidfd};

use super::child_steps::{enter, join};
use super::{STACK, Shared};

/// What it is given.
struct Middle<'a> {
    args: CloneArgs<'a>,
    shared: &'a Shared<'a>,
}

/// Makes the child of these flags, on its stack, by way of a process on the other one; gives the child's
/// id and descriptor.
///
/// # Safety
/// As for a child of the caller's own.
pub(super) unsafe fn clone_through(
    flags: CloneFlags,
    shared: &Shared<'_>,
    [stack, other]: [NonNull<u8>; 2],
) -> (u32, OwnedFd) {
    let (pid, pidfd) = (AtomicU32::new(0), AtomicI32::new(-1));
    let mut args = CloneArgs::new(flags | CloneFlags::PARENT);
    args.pidfd(&pidfd).parent_tid(&pid).child_tid(&shared.tid).stack(stack, STACK);
    let middle = Middle { args, shared };

    let (own_tid, own_pidfd) = (AtomicU32::new(1), AtomicI32::new(-1));
    let mut args = CloneArgs::new(flags | CloneFlags::FILES);
    args.pidfd(&own_pidfd).child_tid(&own_tid).stack(other, STACK);
    let argument = (&raw const middle).cast_mut().cast();
    // SAFETY: the caller's word; its own word is waited for below.
    unsafe { clone3_entry(&args, go_through, argument) }.expect("clone3");
    while own_tid.load(Ordering::Acquire) == 1 {
        let _ = futex::wait(&own_tid, 1, None);
    }
    // SAFETY: clone3 has stored both.
    let owned = |pidfd: &AtomicI32| unsafe { OwnedFd::from_raw_fd(pidfd.load(Ordering::Acquire)) };
    let ended = waitid_pidfd(owned(&own_pidfd), WaitFlags::ALL).expect("wait").expect("ended");
    assert_eq!(ended.code(), Some(0));
    (pid.load(Ordering::Acquire), owned(&pidfd))
}

/// # Safety
/// `middle` leads to a `Middle` that outlives its stay in this memory.
unsafe extern "C" fn go_through(middle: *mut c_void) -> ! {
    // SAFETY: `clone_through` passes such a one.
    let middle = unsafe { &*middle.cast::<Middle<'_>>() };
    join(middle.shared);
    let argument = (&raw const *middle.shared).cast_mut().cast();
    // SAFETY: as in `clone_through`.
    let made = unsafe { clone3_entry(&middle.args, enter, argument) };
    child::exit_group(i32::from(made.is_err()))
}
