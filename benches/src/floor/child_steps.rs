//! The steps of the child.
#![allow(unsafe_code, reason = "a child in shared memory")]

use std::ffi::{CStr, c_void};
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;

use ns_sys::child::{
    self, AtFlags, CloseRangeFlags, MountAttr, MountFlags, MountPropagationFlags, SignalSet,
    UnmountFlags,
};
use ns_sys::{futex, setns_pidfd};

use rustix::fs::CWD;

use super::{RLIMIT_CORE, Root, Shared, UNEXECUTED, prctl};

/// From include/uapi/linux/prctl.h.
const PR_SET_NAME: u32 = 15;

/// The entry function of the child.
///
/// # Safety
/// `shared` points to a `Shared` that lives until the child has left this memory.
pub(super) unsafe extern "C" fn child_main(shared: *mut c_void) -> ! {
    // SAFETY: `clone` passes a pointer to such a value.
    let shared = unsafe { &*shared.cast::<Shared<'_>>() };
    let _ = shared.lock.map(|lock| (child::fcntl_setfd(lock, true), child::fcntl_setlk(lock, 1)));
    for signal in SignalSet::ALL.iter() {
        let _ = child::rt_sigaction_default(signal);
    }
    if !shared.needs_intermediate() {
        join_target(shared);
    }
    let limit = |(soft, hard)| child::prlimit(RLIMIT_CORE, soft, hard);
    let _ = shared.core.map(|[lowered, _]| limit(lowered));
    while shared.waits && shared.released.load(Ordering::Acquire) == 0 {
        let _ = futex::wait(&shared.released, 0, None);
    }
    let _ = shared.session.then(child::setsid);
    if shared.private {
        let private = MountPropagationFlags::PRIVATE.union(MountPropagationFlags::REC);
        let _ = child::mount_change(c"/", private);
    }
    match &shared.root {
        None => {}
        Some((Root::Chroot, path)) => change_root(path),
        Some((Root::ReadOnlyPivot, path)) => pivot(path),
    }
    close_rest(shared);
    let _ = shared.lock.map(|_| prctl(PR_SET_NAME, UNEXECUTED.as_ptr().expose_provenance()));
    let _ = child::rt_sigprocmask(SignalSet::EMPTY);
    let _ = shared.core.map(|[_, own]| limit(own));
    // SAFETY: both arrays end with a null pointer, and the parent keeps them alive.
    let _ = unsafe { child::execve(&shared.program, shared.argv.as_ptr(), shared.envp.as_ptr()) };
    child::exit_group(127)
}

/// Closes all descriptors from 3 on, except that of the lock file, which execve closes.
fn close_rest(shared: &Shared<'_>) {
    let kept = shared.lock.map(|lock| lock.as_raw_fd().unsigned_abs());
    let below = kept.filter(|kept| *kept > 3).map(|kept| (3, kept - 1));
    for (first, last) in below.into_iter().chain([(kept.map_or(3, |kept| kept + 1), u32::MAX)]) {
        // SAFETY: the child has its own descriptor table, and uses none of these descriptors again.
        let _ = unsafe { child::close_range(first, last, CloseRangeFlags::empty()) };
    }
}

/// Joins the namespaces of the target, if there is one.
pub(super) fn join_target(shared: &Shared<'_>) {
    let _ = shared.target.map(|(target, kinds)| setns_pidfd(target, kinds));
}

/// The new root covers the old one: otherwise a process that joins the mount namespace would begin in the old root.
fn change_root(path: &CStr) {
    let _ = child::mount(Some(path), c"/", None, MountFlags::BIND.union(MountFlags::REC), None);
    let _ = child::chdir(c"/..");
    let _ = child::chroot(c".");
    let _ = child::chdir(c"/");
}

fn pivot(path: &CStr) {
    let _ = child::mount(Some(path), path, None, MountFlags::BIND.union(MountFlags::REC), None);
    let _ = child::chdir(path);
    read_only();
    let _ = child::pivot_root(c".", c".");
    let slave = MountPropagationFlags::DOWNSTREAM.union(MountPropagationFlags::REC);
    let _ = child::mount_change(c"..", slave);
    let _ = child::umount2(c".", UnmountFlags::DETACH);
    let _ = child::chdir(c"/");
}

/// Makes the mount at the working directory read-only (`MOUNT_ATTR_RDONLY`).
fn read_only() {
    let attributes = MountAttr { attr_set: 1, ..MountAttr::default() };
    let _ = child::mount_setattr(CWD, c".", AtFlags::EMPTY_PATH, &attributes);
}
