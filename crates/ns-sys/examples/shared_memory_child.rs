//! Start a program in new namespaces with this crate alone, without a copy of the memory.
//!
//! The child shares the memory of this program until it executes `/bin/sh`. Then the kernel clears
//! `child_tid` and wakes the futex wait. This example sets no ID maps, does not search `PATH`, and
//! reports an error only as an errno.
#![allow(unsafe_code, reason = "clone3 and execve are unsafe")]

use std::ffi::{c_char, c_void};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::Duration;

use ns_sys::child::{self, SignalSet};
use ns_sys::{CloneArgs, CloneFlags, WaitFlags, clone3_entry_pidfd, futex, waitid_pidfd};

/// The data that the child uses, prepared before the clone.
struct ChildData {
    argv: [*const c_char; 4],
    envp: [*const c_char; 1],
    errno: AtomicI32,
}

/// A stack with the alignment that every architecture accepts. A real program adds a guard page below it.
#[repr(C, align(16))]
struct Stack([u8; 16 * 1024]);

unsafe extern "C" fn child(data: *mut c_void) -> ! {
    // SAFETY: `main` passes a `ChildData` and keeps it until the child has released the memory.
    let data = unsafe { &*data.cast::<ChildData>() };
    let _ = child::rt_sigprocmask(SignalSet::EMPTY);
    // SAFETY: both arrays end with a null pointer.
    let errno = unsafe { child::execve(c"/bin/sh", data.argv.as_ptr(), data.envp.as_ptr()) };
    data.errno.store(errno.raw_os_error(), Ordering::Relaxed);
    child::exit_group(127)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let script = c"echo I am process $$ of my pid namespace";
    let data = ChildData {
        argv: [c"sh".as_ptr(), c"-c".as_ptr(), script.as_ptr(), ptr::null()],
        envp: [ptr::null()],
        errno: AtomicI32::new(0),
    };
    let mut stack = Box::new(Stack([0; 16 * 1024]));
    let child_tid = AtomicU32::new(1);
    let flags = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::CLEAR_SIGHAND;
    let mut args = CloneArgs::new(flags | CloneFlags::NEWUSER | CloneFlags::NEWPID);
    args.child_tid(&child_tid).stack(NonNull::from(&mut *stack).cast(), size_of::<Stack>());
    args.validate()?;

    // Block all signals, so that no signal handler of this program runs in the child.
    let mask = child::rt_sigprocmask(SignalSet::ALL)?;
    // SAFETY: `child` makes system calls and uses `data` only. `data`, the stack and `child_tid` outlive
    // its use of the memory.
    let started = unsafe { clone3_entry_pidfd(&args, child, (&raw const data).cast_mut().cast()) };
    child::rt_sigprocmask(mask)?;
    let (pid, pidfd) = started?;
    while child_tid.load(Ordering::Acquire) != 0 {
        let _ = futex::wait(&child_tid, 1, Some(Duration::from_millis(100)));
    }
    println!("started {pid}, errno {}", data.errno.load(Ordering::Relaxed));
    let status = waitid_pidfd(&pidfd, WaitFlags::ALL)?.expect("it has exited");
    println!("it exited with {:?}", status.code());
    Ok(())
}
