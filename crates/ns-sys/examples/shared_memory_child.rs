//! Starts a program in new namespaces with this layer alone: no fork, no copy of the memory.
//!
//! The child shares this program's memory until it executes `/bin/sh`; the kernel clears its word
//! then, and the futex wait ends. The layers above add what is missing here: id maps, names for what
//! fails, a search in `PATH`, stacks that are kept.
#![allow(unsafe_code, reason = "the raw layer")]

use std::ffi::{c_char, c_void};
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::Duration;

use ns_sys::child::{self, SignalSet};
use ns_sys::{CloneArgs, CloneFlags, WaitFlags, clone3_entry, futex, waitid_pidfd};

/// All that the child may touch: made before the clone, pointers and numbers only.
struct Plan {
    argv: [*const c_char; 4],
    envp: [*const c_char; 1],
    errno: AtomicI32,
}

/// Aligned as every architecture wants it. Real programs put a guard page below.
#[repr(C, align(16))]
struct Stack([u8; 16 * 1024]);

unsafe extern "C" fn child(plan: *mut c_void) -> ! {
    // SAFETY: `main` passes a `Plan` and keeps it until the child has left the memory.
    let plan = unsafe { &*plan.cast::<Plan>() };
    let _ = child::rt_sigprocmask(SignalSet::EMPTY);
    // SAFETY: both arrays end with a null pointer.
    let errno = unsafe { child::execve(c"/bin/sh", plan.argv.as_ptr(), plan.envp.as_ptr()) };
    plan.errno.store(errno.raw_os_error(), Ordering::Relaxed);
    child::exit_group(127)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let script = c"echo I am process $$ of my pid namespace";
    let plan = Plan {
        argv: [c"sh".as_ptr(), c"-c".as_ptr(), script.as_ptr(), ptr::null()],
        envp: [ptr::null()],
        errno: AtomicI32::new(0),
    };
    let mut stack = Box::new(Stack([0; 16 * 1024]));
    let (word, pidfd) = (AtomicU32::new(1), AtomicI32::new(-1));
    let flags = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::CLEAR_SIGHAND;
    let mut args = CloneArgs::new(flags | CloneFlags::NEWUSER | CloneFlags::NEWPID);
    args.pidfd(&pidfd)
        .child_tid(&word)
        .stack(NonNull::from(&mut *stack).cast(), size_of::<Stack>());
    args.validate()?;

    // No handler of this program may run in the child.
    let mask = child::rt_sigprocmask(SignalSet::ALL)?;
    // SAFETY: `child` makes bare calls on `plan` only; plan, stack and word stay until it has left.
    let started = unsafe { clone3_entry(&args, child, (&raw const plan).cast_mut().cast()) };
    child::rt_sigprocmask(mask)?;
    let pid = started?;
    while word.load(Ordering::Acquire) != 0 {
        let _ = futex::wait(&word, 1, Some(Duration::from_millis(100)));
    }
    println!("started {pid}, errno {}", plan.errno.load(Ordering::Relaxed));
    // SAFETY: the kernel stored a new descriptor there.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd.into_inner()) };
    let status = waitid_pidfd(&pidfd, WaitFlags::ALL)?.expect("it has ended");
    println!("it exited with {:?}", status.code());
    Ok(())
}
