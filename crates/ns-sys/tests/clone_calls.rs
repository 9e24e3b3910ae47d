//! Children really made: with a copy of the memory, and in shared memory on a stack of their own.
#![allow(unsafe_code, reason = "clone3 itself, and a stack for it")]

use std::ffi::c_void;
use std::fs;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::Duration;

use ns_sys::child::{SignalSet, execve, exit_group, getpid, rt_sigprocmask, wait4};
use ns_sys::{
    CloneArgs, CloneFlags, Errno, WaitFlags, WaitStatus, clone, clone_entry, clone3, clone3_entry,
    futex, waitid_pidfd,
};

/// A stack as every architecture wants it.
#[repr(C, align(16))]
struct Stack([u8; 16 * 1024]);

/// What a child in shared memory is given, and answers into.
struct Shared {
    child_tid: AtomicU32,
    answer: AtomicU32,
    errno: AtomicI32,
}

impl Shared {
    fn new() -> Self {
        Self {
            child_tid: AtomicU32::new(u32::MAX),
            answer: AtomicU32::new(0),
            errno: AtomicI32::new(0),
        }
    }
}

type Entry = unsafe extern "C" fn(*mut c_void) -> !;
type Call = unsafe fn(&CloneArgs<'_>, Entry, *mut c_void) -> Result<u32, Errno>;

/// Runs `entry` in a child that shares memory; returns its exit code after it has left.
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
    // SAFETY: the entries below make bare calls only; stack and `shared` outlive the child, which
    // has left the memory before this function returns.
    let child = unsafe { call(&args, entry, (&raw const *shared).cast_mut().cast()) };
    rt_sigprocmask(mask).expect("restore the mask");
    child.expect("clone3");
    while shared.child_tid.load(Ordering::Acquire) != 0 {
        let waited = futex::wait(&shared.child_tid, u32::MAX, Some(Duration::from_secs(10)));
        assert!(matches!(waited, Ok(()) | Err(Errno::AGAIN)), "{waited:?}");
    }
    // SAFETY: the kernel stored a new descriptor there.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd.into_inner()) };
    let status = waitid_pidfd(&pidfd, WaitFlags::ALL).expect("waitid").expect("ended");
    status.code().expect("it exited")
}

unsafe extern "C" fn answer_pid(shared: *mut c_void) -> ! {
    // SAFETY: `run_shared` passes a `Shared` that outlives this child.
    let shared = unsafe { &*shared.cast::<Shared>() };
    shared.answer.store(getpid(), Ordering::Relaxed);
    exit_group(7)
}

unsafe extern "C" fn fail_exec(shared: *mut c_void) -> ! {
    // SAFETY: as above.
    let shared = unsafe { &*shared.cast::<Shared>() };
    let none = [std::ptr::null()];
    // SAFETY: both arrays end with a null pointer.
    let errno = unsafe { execve(c"/nonexistent", none.as_ptr(), none.as_ptr()) };
    shared.errno.store(errno.raw_os_error(), Ordering::Relaxed);
    exit_group(0)
}

/// A child in shared memory writes there, is pid 1 of its namespace, and its word is cleared.
#[test]
fn a_child_in_shared_memory() {
    ns_testbed::run_as!([Root, User, Nested], {
        let shared = Shared::new();
        let code = run_shared(CloneFlags::NEWUSER | CloneFlags::NEWPID, &shared, answer_pid);
        assert_eq!(code, 7);
        assert_eq!(shared.answer.load(Ordering::Relaxed), 1);
    });
}

/// The same by the older call: its arguments lie in registers, in another order on each architecture.
#[test]
fn b04_a_child_in_shared_memory_by_clone() {
    ns_testbed::run_as!([Root, User, Nested], {
        let shared = Shared::new();
        let flags = CloneFlags::NEWUSER | CloneFlags::NEWPID;
        assert_eq!(run_shared_by(clone_entry, flags, &shared, answer_pid), 7);
        assert_eq!(shared.answer.load(Ordering::Relaxed), 1);
    });
}

/// A copied child by the older call, which stores the id where clone3 would.
#[test]
fn b04_a_copied_child_by_clone() {
    ns_testbed::run_as!([Root, User, Nested], {
        let tid = AtomicU32::new(0);
        let mut args = CloneArgs::new(CloneFlags::NEWUSER);
        args.exit_signal(17).parent_tid(&tid);
        // SAFETY: the child makes bare calls only.
        let Some(child) = (unsafe { clone(&args) }).expect("clone") else { exit_group(9) };
        assert_eq!(tid.load(Ordering::Relaxed), child);
        let status = wait4(child, WaitFlags::ALL).expect("wait").expect("its status");
        assert_eq!(WaitStatus::code(status), Some(9));
    });
}

/// What clone(2) has no place for is refused before the call.
#[test]
fn b02_what_clone_cannot_carry() {
    ns_testbed::run_as!([User], {
        let (tid, pidfd, tids) = (AtomicU32::new(0), AtomicI32::new(-1), [1]);
        let mut both = CloneArgs::new(CloneFlags::empty());
        both.pidfd(&pidfd).parent_tid(&tid);
        let mut chosen = CloneArgs::new(CloneFlags::NEWPID);
        chosen.set_tid(&tids);
        let flags = [CloneFlags::CLEAR_SIGHAND, CloneFlags::NEWTIME, CloneFlags::INTO_CGROUP];
        for args in flags.map(CloneArgs::new).into_iter().chain([both, chosen]) {
            // SAFETY: refused before a child is made.
            assert_eq!(unsafe { clone(&args) }, Err(Errno::INVAL), "{args:?}");
        }
    });
}

/// The child's errno stays in its register: this thread's own does not change.
#[test]
fn errno_stays_out_of_shared_memory() {
    ns_testbed::run_as!([Root, User], {
        // SAFETY: takes nothing.
        let location = unsafe { libc::__errno_location() };
        // SAFETY: the location belongs to this thread, which alone uses it.
        let own = unsafe { &mut *location };
        *own = 4242;
        let shared = Shared::new();
        assert_eq!(run_shared(CloneFlags::empty(), &shared, fail_exec), 0);
        assert_eq!(shared.errno.load(Ordering::Relaxed), Errno::NOENT.raw_os_error());
        assert_eq!(*own, 4242);
    });
}

/// Every namespace at once, in shared memory, also the time namespace, whose flag lies in
/// clone(2)'s exit signal.
#[test]
fn b02_all_namespaces_by_clone3() {
    ns_testbed::run_as!([Root, User, Nested], {
        let all = ns_sys::Namespace::ALL.into_iter().map(ns_sys::Namespace::clone_flag).collect();
        let shared = Shared::new();
        assert_eq!(run_shared(all, &shared, answer_pid), 7);
    });
}

/// Without a stack the entry form is refused before the call, and with one the other form.
#[test]
fn entry_needs_a_stack() {
    ns_testbed::run_as!([User], {
        let args = CloneArgs::new(CloneFlags::VM);
        // SAFETY: refused before a child is made.
        let refused = unsafe { clone3_entry(&args, answer_pid, std::ptr::null_mut()) };
        assert_eq!(refused, Err(Errno::INVAL));
        // SAFETY: as above.
        assert_eq!(unsafe { clone3(&args) }, Err(Errno::INVAL), "VM");
        let mut args = CloneArgs::new(CloneFlags::empty());
        args.stack(NonNull::dangling(), 16);
        // SAFETY: as above.
        assert_eq!(unsafe { clone3(&args) }, Err(Errno::INVAL), "a stack");
    });
}

/// A copied child has new namespaces, and what it writes stays its own.
#[test]
fn a_child_with_copied_memory() {
    ns_testbed::run_as!([Root, User, Nested], {
        let word = AtomicU32::new(1);
        let (pidfd, tid) = (AtomicI32::new(-1), AtomicU32::new(0));
        let mut args = CloneArgs::new(CloneFlags::NEWUSER | CloneFlags::NEWUTS);
        args.exit_signal(17).pidfd(&pidfd).parent_tid(&tid);
        // SAFETY: the child makes bare calls only.
        let Some(child) = (unsafe { clone3(&args) }).expect("clone3") else {
            word.store(2, Ordering::Relaxed);
            exit_group(i32::from(word.load(Ordering::Relaxed) != 2))
        };
        assert_eq!(child, tid.load(Ordering::Relaxed));
        // SAFETY: the kernel stored a new descriptor there.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd.load(Ordering::Relaxed)) };
        let status = waitid_pidfd(&pidfd, WaitFlags::empty()).expect("waitid").expect("ended");
        assert_eq!((status.code(), word.into_inner()), (Some(0), 1));
    });
}

/// With exit signal 0 only a wait that asks for clone children sees the child.
#[test]
fn b03_exit_signal_zero_needs_clone_wait() {
    ns_testbed::run_as!([Root, User], {
        let pidfd = AtomicI32::new(-1);
        let mut args = CloneArgs::new(CloneFlags::empty());
        args.pidfd(&pidfd);
        // SAFETY: the child leaves at once.
        if unsafe { clone3(&args) }.expect("clone3").is_none() {
            exit_group(3);
        }
        // SAFETY: the kernel stored a new descriptor there.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd.into_inner()) };
        assert_eq!(waitid_pidfd(&pidfd, WaitFlags::empty()), Err(Errno::CHILD));
        let peeked = waitid_pidfd(&pidfd, WaitFlags::CLONE | WaitFlags::NOWAIT).expect("peek");
        assert_eq!(peeked.and_then(WaitStatus::code), Some(3));
        assert_eq!(waitid_pidfd(&pidfd, WaitFlags::ALL).expect("reap"), peeked);
    });
}

/// A child begins in the cgroup whose directory is given.
#[test]
fn into_cgroup() {
    ns_testbed::run_as!([Root], {
        let Some(root) = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
            .into_iter()
            .find(|path| fs::exists(format!("{path}/cgroup.procs")).is_ok_and(|yes| yes))
        else {
            ns_testbed::skip!("no version 2 cgroup is mounted");
        };
        let path = format!("{root}/{}", ns_testbed::own_name());
        if let Err(error) = fs::create_dir(&path) {
            ns_testbed::skip!("no cgroup can be made here: {error}");
        }
        let directory: OwnedFd = fs::File::open(&path).expect("open it").into();
        let shared = Shared::new();
        let mut args = CloneArgs::new(CloneFlags::empty());
        args.cgroup(std::os::fd::AsFd::as_fd(&directory))
            .exit_signal(17)
            .parent_tid(&shared.answer);
        // SAFETY: the child sleeps until it is killed.
        if unsafe { clone3(&args) }.expect("clone3").is_none() {
            loop {
                let _ = futex::wait(&shared.child_tid, u32::MAX, None);
            }
        }
        let pid = shared.answer.load(Ordering::Relaxed);
        let members = fs::read_to_string(format!("{path}/cgroup.procs")).expect("read members");
        let pidfd = ns_sys::pidfd_open(pid).expect("pidfd");
        ns_sys::pidfd_send_signal(&pidfd, ns_sys::Signal::KILL).expect("kill");
        waitid_pidfd(&pidfd, WaitFlags::empty()).expect("reap");
        fs::remove_dir(&path).expect("remove the cgroup");
        assert_eq!(members.trim(), pid.to_string());
    });
}

/// By its id, a child without an exit signal is found until it has executed a program.
#[test]
fn b03_a_wait_tells_whether_a_child_executed() {
    ns_testbed::run_as!([Root, User], {
        let made = |executes: bool| {
            // SAFETY: the child makes bare calls only.
            let child = unsafe { clone3(&CloneArgs::new(CloneFlags::empty())) }.expect("clone3");
            child.unwrap_or_else(|| {
                let none = [std::ptr::null()];
                if executes {
                    // SAFETY: both arrays end with null.
                    unsafe { execve(c"/bin/true", none.as_ptr(), none.as_ptr()) };
                }
                exit_group(7)
            })
        };
        let code = |pid, flags| wait4(pid, flags).map(|ended| ended.and_then(WaitStatus::code));
        assert_eq!(code(made(false), WaitFlags::CLONE), Ok(Some(7)));
        let child = made(true);
        while code(child, WaitFlags::CLONE | WaitFlags::NOHANG) == Ok(None) {
            std::thread::yield_now();
        }
        assert_eq!(code(child, WaitFlags::CLONE), Err(Errno::CHILD));
        assert_eq!(code(child, WaitFlags::ALL), Ok(Some(0)));
        assert_eq!(code(child, WaitFlags::ALL), Err(Errno::CHILD));
    });
}
