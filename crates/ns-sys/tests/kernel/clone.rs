//! Create children with a copy of the memory, and children in shared memory on their own stack.
#![allow(unsafe_code, reason = "the calls under test")]

use std::ffi::c_void;
use std::fs;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::Duration;

use ns_sys::child::{SignalSet, execve, exit_group, getpid, rt_sigprocmask, wait4};
use ns_sys::{
    CloneArgs, CloneFlags, Errno, Signal, WaitFlags, WaitStatus, clone, clone_entry, clone3,
    clone3_entry, clone3_pidfd, futex, waitid_pidfd,
};

/// A stack with the alignment that every architecture accepts.
#[repr(C, align(16))]
struct Stack([u8; 16 * 1024]);

/// The memory that parent and child use together.
struct Shared {
    child_tid: AtomicU32,
    pid: AtomicU32,
    errno: AtomicI32,
}

impl Shared {
    fn new() -> Self {
        Self {
            child_tid: AtomicU32::new(u32::MAX),
            pid: AtomicU32::new(0),
            errno: AtomicI32::new(0),
        }
    }
}

type Entry = unsafe extern "C" fn(*mut c_void) -> !;
type Call = unsafe fn(&CloneArgs<'_>, Entry, *mut c_void) -> Result<u32, Errno>;

/// Runs `entry` in a child that shares memory, and returns its exit code after it has exited.
fn run_shared(flags: CloneFlags, shared: &Shared, entry: Entry) -> i32 {
    run_shared_by(clone3_entry, flags, shared, entry)
}

fn run_shared_by(call: Call, flags: CloneFlags, shared: &Shared, entry: Entry) -> i32 {
    let mut stack = Box::new(Stack([0; 16 * 1024]));
    let pidfd = AtomicI32::new(-1);
    let mut args = CloneArgs::new(flags | CloneFlags::VM | CloneFlags::CHILD_CLEARTID);
    args.pidfd(&pidfd)
        .child_tid(&shared.child_tid)
        .stack(NonNull::from(&mut *stack).cast(), size_of::<Stack>());
    args.validate().expect("valid arguments");
    let mask = rt_sigprocmask(SignalSet::ALL).expect("block signals");
    // SAFETY: the entries below make system calls only. The stack and `shared` outlive the child, which
    // has released the memory before this function returns.
    let child = unsafe { call(&args, entry, (&raw const *shared).cast_mut().cast()) };
    rt_sigprocmask(mask).expect("restore the mask");
    child.expect("clone3");
    while shared.child_tid.load(Ordering::Acquire) != 0 {
        let waited = futex::wait(&shared.child_tid, u32::MAX, Some(Duration::from_secs(10)));
        assert!(matches!(waited, Ok(()) | Err(Errno::AGAIN)), "{waited:?}");
    }
    // SAFETY: the kernel stored a new descriptor in it.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd.into_inner()) };
    let status = waitid_pidfd(&pidfd, WaitFlags::ALL).expect("waitid").expect("it has exited");
    status.code().expect("it was not killed")
}

unsafe extern "C" fn store_pid(shared: *mut c_void) -> ! {
    // SAFETY: `run_shared` passes a `Shared` that outlives this child.
    let shared = unsafe { &*shared.cast::<Shared>() };
    shared.pid.store(getpid(), Ordering::Relaxed);
    exit_group(7)
}

unsafe extern "C" fn fail_exec(shared: *mut c_void) -> ! {
    // SAFETY: `run_shared` passes a `Shared` that outlives this child.
    let shared = unsafe { &*shared.cast::<Shared>() };
    let none = [std::ptr::null()];
    // SAFETY: both arrays end with a null pointer.
    let errno = unsafe { execve(c"/nonexistent", none.as_ptr(), none.as_ptr()) };
    shared.errno.store(errno.raw_os_error(), Ordering::Relaxed);
    exit_group(0)
}

/// A child in shared memory writes to it, is process 1 of its pid namespace, and its word is cleared.
#[test]
fn a_child_runs_in_shared_memory() {
    ns_testbed::run_as!([Root, User, Nested], {
        let shared = Shared::new();
        let code = run_shared(CloneFlags::NEWUSER | CloneFlags::NEWPID, &shared, store_pid);
        assert_eq!(code, 7);
        assert_eq!(shared.pid.load(Ordering::Relaxed), 1);
    });
}

/// The same by clone(2), whose arguments are in registers, in an order that depends on the architecture.
#[test]
fn b04_a_child_runs_in_shared_memory_by_clone() {
    ns_testbed::run_as!([Root, User, Nested], {
        let shared = Shared::new();
        let flags = CloneFlags::NEWUSER | CloneFlags::NEWPID;
        assert_eq!(run_shared_by(clone_entry, flags, &shared, store_pid), 7);
        assert_eq!(shared.pid.load(Ordering::Relaxed), 1);
    });
}

/// A child with a copy of the memory by clone(2), which stores its thread ID as clone3 does.
#[test]
fn b04_a_child_has_its_own_memory_by_clone() {
    ns_testbed::run_as!([Root, User, Nested], {
        let tid = AtomicU32::new(0);
        let mut args = CloneArgs::new(CloneFlags::NEWUSER);
        args.exit_signal(Signal::CHILD).parent_tid(&tid);
        // SAFETY: the child makes system calls only.
        let Some(child) = (unsafe { clone(&args) }).expect("clone") else { exit_group(9) };
        assert_eq!(tid.load(Ordering::Relaxed), child);
        let status = wait4(child, WaitFlags::ALL).expect("wait").expect("it has exited");
        assert_eq!(WaitStatus::code(status), Some(9));
    });
}

/// Arguments that clone(2) does not support are rejected without a system call.
#[test]
fn b02_unsupported_arguments_of_clone_are_rejected() {
    ns_testbed::run_as!([User], {
        let (tid, pidfd, tids) = (AtomicU32::new(0), AtomicI32::new(-1), [1]);
        let mut both = CloneArgs::new(CloneFlags::empty());
        both.pidfd(&pidfd).parent_tid(&tid);
        let mut with_tid = CloneArgs::new(CloneFlags::NEWPID);
        with_tid.set_tid(&tids);
        let flags = [CloneFlags::CLEAR_SIGHAND, CloneFlags::NEWTIME, CloneFlags::INTO_CGROUP];
        for args in flags.map(CloneArgs::new).into_iter().chain([both, with_tid]) {
            // SAFETY: the call fails before a child is created.
            assert_eq!(unsafe { clone(&args) }, Err(Errno::INVAL), "{args:?}");
        }
    });
}

/// An error in the child does not change the `errno` of this thread.
#[test]
fn errno_is_not_written_to_shared_memory() {
    ns_testbed::run_as!([Root, User], {
        // SAFETY: the function takes no argument.
        let location = unsafe { libc::__errno_location() };
        // SAFETY: only this thread uses its errno.
        let own = unsafe { &mut *location };
        *own = 4242;
        let shared = Shared::new();
        assert_eq!(run_shared(CloneFlags::empty(), &shared, fail_exec), 0);
        assert_eq!(shared.errno.load(Ordering::Relaxed), Errno::NOENT.raw_os_error());
        assert_eq!(*own, 4242);
    });
}

/// All namespaces at once, in shared memory. The flag of the time namespace is a bit of the exit signal of
/// clone(2).
#[test]
fn b02_all_namespaces_by_clone3() {
    ns_testbed::run_as!([Root, User, Nested], {
        let all = ns_sys::Namespace::ALL.into_iter().map(ns_sys::Namespace::clone_flag).collect();
        let shared = Shared::new();
        assert_eq!(run_shared(all, &shared, store_pid), 7);
    });
}

/// clone3_entry needs a stack, and clone3 accepts none. Both fail without a system call.
#[test]
fn only_clone3_entry_accepts_a_stack() {
    ns_testbed::run_as!([User], {
        let args = CloneArgs::new(CloneFlags::VM);
        // SAFETY: the call fails before a child is created.
        let refused = unsafe { clone3_entry(&args, store_pid, std::ptr::null_mut()) };
        assert_eq!(refused, Err(Errno::INVAL));
        // SAFETY: the call fails before a child is created.
        assert_eq!(unsafe { clone3(&args) }, Err(Errno::INVAL), "VM");
        let mut args = CloneArgs::new(CloneFlags::empty());
        args.stack(NonNull::dangling(), 16);
        // SAFETY: the call fails before a child is created.
        assert_eq!(unsafe { clone3(&args) }, Err(Errno::INVAL), "a stack");
    });
}

/// A child with a copy of the memory has new namespaces, and its writes do not change the parent's memory.
#[test]
fn a_child_has_its_own_copy_of_the_memory() {
    ns_testbed::run_as!([Root, User, Nested], {
        let word = AtomicU32::new(1);
        let tid = AtomicU32::new(0);
        let mut args = CloneArgs::new(CloneFlags::NEWUSER | CloneFlags::NEWUTS);
        args.exit_signal(Signal::CHILD).parent_tid(&tid);
        // SAFETY: the child makes system calls only.
        let Some((child, pidfd)) = (unsafe { clone3_pidfd(&args) }).expect("clone3") else {
            word.store(2, Ordering::Relaxed);
            exit_group(i32::from(word.load(Ordering::Relaxed) != 2))
        };
        assert_eq!(child, tid.load(Ordering::Relaxed));
        let status =
            waitid_pidfd(&pidfd, WaitFlags::empty()).expect("waitid").expect("it has exited");
        assert_eq!((status.code(), word.into_inner()), (Some(0), 1));
    });
}

/// A child with exit signal 0 is visible only to a wait for clone children.
#[test]
fn b03_exit_signal_zero_needs_clone_wait() {
    ns_testbed::run_as!([Root, User], {
        let args = CloneArgs::new(CloneFlags::empty());
        // SAFETY: the child exits at once.
        let Some((_, pidfd)) = unsafe { clone3_pidfd(&args) }.expect("clone3") else {
            exit_group(3)
        };
        assert_eq!(waitid_pidfd(&pidfd, WaitFlags::empty()), Err(Errno::CHILD));
        let peeked = waitid_pidfd(&pidfd, WaitFlags::CLONE | WaitFlags::NOWAIT).expect("peek");
        assert_eq!(peeked.and_then(WaitStatus::code), Some(3));
        assert_eq!(waitid_pidfd(&pidfd, WaitFlags::ALL).expect("reap"), peeked);
    });
}

/// A child starts in the given cgroup.
#[test]
fn a_child_starts_in_the_given_cgroup() {
    ns_testbed::run_as!([Root], {
        let Some(root) = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
            .into_iter()
            .find(|path| fs::exists(format!("{path}/cgroup.procs")).is_ok_and(|yes| yes))
        else {
            ns_testbed::skip!("no version 2 cgroup is mounted");
        };
        let path = format!("{root}/{}", ns_testbed::own_name());
        if let Err(error) = fs::create_dir(&path) {
            ns_testbed::skip!("cannot create a cgroup: {error}");
        }
        let directory: OwnedFd = fs::File::open(&path).expect("open").into();
        let shared = Shared::new();
        let mut args = CloneArgs::new(CloneFlags::empty());
        args.cgroup(std::os::fd::AsFd::as_fd(&directory))
            .exit_signal(Signal::CHILD)
            .parent_tid(&shared.pid);
        // SAFETY: the child sleeps until it is killed.
        if unsafe { clone3(&args) }.expect("clone3").is_none() {
            loop {
                let _ = futex::wait(&shared.child_tid, u32::MAX, None);
            }
        }
        let pid = shared.pid.load(Ordering::Relaxed);
        let members = fs::read_to_string(format!("{path}/cgroup.procs")).expect("read members");
        let pidfd = ns_sys::pidfd_open(pid).expect("pidfd");
        ns_sys::pidfd_send_signal(&pidfd, Signal::KILL).expect("kill");
        waitid_pidfd(&pidfd, WaitFlags::empty()).expect("reap");
        fs::remove_dir(&path).expect("remove the cgroup");
        assert_eq!(members.trim(), pid.to_string());
    });
}

/// wait4 with `CLONE` finds a child without an exit signal until the child has executed a program.
#[test]
fn b03_clone_wait_detects_an_exec() {
    ns_testbed::run_as!([Root, User], {
        let spawn = |executes: bool| {
            // SAFETY: the child makes system calls only.
            let child = unsafe { clone3(&CloneArgs::new(CloneFlags::empty())) }.expect("clone3");
            child.unwrap_or_else(|| {
                let none = [std::ptr::null()];
                if executes {
                    // SAFETY: both arrays end with a null pointer.
                    unsafe { execve(c"/bin/true", none.as_ptr(), none.as_ptr()) };
                }
                exit_group(7)
            })
        };
        let code = |pid, flags| wait4(pid, flags).map(|status| status.and_then(WaitStatus::code));
        assert_eq!(code(spawn(false), WaitFlags::CLONE), Ok(Some(7)));
        let child = spawn(true);
        while code(child, WaitFlags::CLONE | WaitFlags::NOHANG) == Ok(None) {
            std::thread::yield_now();
        }
        assert_eq!(code(child, WaitFlags::CLONE), Err(Errno::CHILD));
        assert_eq!(code(child, WaitFlags::ALL), Ok(Some(0)));
        assert_eq!(code(child, WaitFlags::ALL), Err(Errno::CHILD));
    });
}
