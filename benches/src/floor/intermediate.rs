//! The intermediate process, which joins a pid namespace so that its child is in it.
#![allow(unsafe_code, reason = "children in shared memory")]

use std::ffi::c_void;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use ns_sys::child;
use ns_sys::{CloneArgs, CloneFlags, WaitFlags, clone3_entry, futex, waitid_pidfd};

use super::child_steps::{child_main, join_target};
use super::{STACK, Shared};

/// The argument of the intermediate process.
struct Intermediate<'a> {
    args: CloneArgs<'a>,
    shared: &'a Shared<'a>,
}

/// Creates a child on the first stack, through an intermediate process on the second one. Returns the process ID and
/// the pidfd of the child.
///
/// # Safety
/// As for `clone3_entry`: the stacks and `shared` must live until the child has left this memory.
pub(super) unsafe fn clone_through_intermediate(
    flags: CloneFlags,
    shared: &Shared<'_>,
    [child_stack, intermediate_stack]: [NonNull<u8>; 2],
) -> (u32, OwnedFd) {
    let (pid, pidfd) = (AtomicU32::new(0), AtomicI32::new(-1));
    let mut args = CloneArgs::new(flags | CloneFlags::PARENT);
    args.pidfd(&pidfd).parent_tid(&pid).child_tid(&shared.tid).stack(child_stack, STACK);
    let intermediate = Intermediate { args, shared };

    let (own_tid, own_pidfd) = (AtomicU32::new(1), AtomicI32::new(-1));
    let mut args = CloneArgs::new(flags | CloneFlags::FILES);
    args.pidfd(&own_pidfd).child_tid(&own_tid).stack(intermediate_stack, STACK);
    let argument = (&raw const intermediate).cast_mut().cast();
    // SAFETY: the caller upholds the contract for the stacks; `intermediate` lives until the wait below has returned.
    unsafe { clone3_entry(&args, intermediate_main, argument) }.expect("clone3");
    while own_tid.load(Ordering::Acquire) == 1 {
        let _ = futex::wait(&own_tid, 1, None);
    }
    // SAFETY: clone3 has stored both descriptors, and nothing else owns them.
    let owned = |pidfd: &AtomicI32| unsafe { OwnedFd::from_raw_fd(pidfd.load(Ordering::Acquire)) };
    let status = waitid_pidfd(owned(&own_pidfd), WaitFlags::ALL).expect("wait");
    assert_eq!(status.expect("the intermediate process has exited").code(), Some(0));
    (pid.load(Ordering::Acquire), owned(&pidfd))
}

/// The entry function of the intermediate process.
///
/// # Safety
/// `argument` points to an `Intermediate` that lives until this process has left the memory.
unsafe extern "C" fn intermediate_main(argument: *mut c_void) -> ! {
    // SAFETY: `clone_through_intermediate` passes a pointer to such a value.
    let intermediate = unsafe { &*argument.cast::<Intermediate<'_>>() };
    join_target(intermediate.shared);
    let argument = (&raw const *intermediate.shared).cast_mut().cast();
    // SAFETY: as in `clone_through_intermediate`.
    let result = unsafe { clone3_entry(&intermediate.args, child_main, argument) };
    child::exit_group(i32::from(result.is_err()))
}
