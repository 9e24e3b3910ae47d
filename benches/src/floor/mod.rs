//! The raw floor: the system calls that a plan describes, made with `ns-sys` only.
#![allow(unsafe_code, reason = "a child in shared memory")]

mod child_steps;
mod files;
mod fork;
mod intermediate;

use std::ffi::{CStr, CString, c_char};
use std::io::IsTerminal;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use ns_sys::child::{self, SignalSet};
use ns_sys::{
    CloneArgs, CloneFlags, NamespaceFlags, WaitFlags, clone3_entry_pidfd, futex, pidfd_open_thread,
    waitid_pidfd,
};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, fstat, memfd_create, openat};
use rustix::io::{fcntl_dupfd_cloexec, pread};
use rustix::thread::capabilities;

use crate::{TINY, TINY_ROOT};
use child_steps::child_main;
use files::{check_proc, own_maps, write_maps};

pub use fork::ForkFloor;

const STACK: usize = 64 * 1024;
const PR_GET_DUMPABLE: u32 = 3;
const PR_SET_DUMPABLE: u32 = 4;
const PR_GET_TID_ADDRESS: u32 = 40;
const RLIMIT_CORE: u32 = 4;

/// The name of a child until its execve(2).
const UNEXECUTED: &CStr = c"0123456789abcde";

/// The state that the parent and the child share.
struct Shared<'a> {
    tid: AtomicU32,
    /// Set to 1 after the parent has written the maps.
    released: AtomicU32,
    /// Whether the child waits for `released`.
    waits: bool,
    session: bool,
    private: bool,
    /// The process whose namespaces are joined first.
    target: Option<(BorrowedFd<'a>, NamespaceFlags)>,
    root: Option<(Root, CString)>,
    /// The file of the record lock, which proves that the child has left the memory. `None` if the caller stays
    /// dumpable.
    lock: Option<BorrowedFd<'a>>,
    /// The core limits before execve: one that prevents a core dump, and the limit of the caller.
    core: Option<[(u64, u64); 2]>,
    program: CString,
    argv: [*const c_char; 2],
    envp: Vec<*const c_char>,
}

/// How the directory of `tiny` becomes the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// By chroot(2).
    Chroot,
    /// By pivot_root(2), read-only.
    ReadOnlyPivot,
}

/// Starts `tiny` repeatedly, on the same stack.
#[derive(Debug)]
pub struct Floor {
    stack: Box<[u8]>,
    flags: CloneFlags,
    environment: Vec<CString>,
    root: Option<Root>,
    target: Option<(OwnedFd, NamespaceFlags)>,
    /// The stack of an intermediate process.
    intermediate_stack: Box<[u8]>,
    /// The file on whose bytes children hold record locks, fcntl(2).
    locks: OwnedFd,
    /// Whether the caller is made non-dumpable until the child has left the memory.
    is_guarded: bool,
}

impl Floor {
    /// Creates a floor with these new namespaces. In a user namespace the caller's IDs are mapped to 0.
    ///
    /// # Panics
    /// If an environment variable is not UTF-8.
    pub fn new(kinds: CloneFlags) -> Self {
        let environment =
            std::env::vars().map(|(key, value)| CString::new(format!("{key}={value}")));
        Self {
            stack: vec![0; STACK].into_boxed_slice(),
            flags: kinds,
            environment: environment.collect::<Result<_, _>>().expect("no NUL byte"),
            root: None,
            target: None,
            intermediate_stack: vec![0; STACK].into_boxed_slice(),
            locks: lock_file(),
            is_guarded: true,
        }
    }

    /// Leaves the caller dumpable, so that a process that may trace the child can access the caller's memory.
    #[must_use]
    pub fn unguarded(mut self) -> Self {
        self.is_guarded = false;
        self
    }

    /// Makes the directory of `tiny` the root.
    #[must_use]
    pub fn with_root(mut self, root: Root) -> Self {
        self.root = Some(root);
        self
    }

    /// Joins these namespaces of a target.
    ///
    /// # Panics
    /// If the descriptor cannot be duplicated.
    #[must_use]
    pub fn joining(mut self, target: impl AsFd, kinds: NamespaceFlags) -> Self {
        let target = target.as_fd().try_clone_to_owned().expect("dup");
        self.target = Some((target, kinds));
        self
    }

    /// Starts `tiny`, waits for its execve(2), and waits until it exits.
    ///
    /// # Panics
    /// If a system call fails.
    pub fn start_join(&mut self) {
        let program = if self.root.is_some() { "/tiny" } else { TINY };
        let program = CString::new(program).expect("no NUL byte");
        let privileged = !capabilities(None).expect("capget").permitted.is_empty();
        let owns_more = privileged && self.flags.contains(CloneFlags::NEWUSER);
        let is_cleared = self.is_guarded && (owns_more || self.target.is_some());
        let maps = self.flags.contains(CloneFlags::NEWUSER).then(own_maps);
        let shared = Shared {
            tid: AtomicU32::new(1),
            released: AtomicU32::new(0),
            waits: maps.is_some(),
            session: !(0..=2).any(is_terminal),
            lock: is_cleared.then(|| self.locks.as_fd()),
            target: self.target.as_ref().map(|(target, kinds)| (target.as_fd(), *kinds)),
            private: self.flags.contains(CloneFlags::NEWNS),
            root: self.root.map(|root| (root, CString::new(TINY_ROOT).expect("no NUL byte"))),
            core: core_limits(),
            argv: [program.as_ptr(), ptr::null()],
            envp: self.environment.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect(),
            program,
        };
        let watch = shared.waits.then(watch_thread);
        // `ns-process` checks that the descriptor still refers to its file, and that this process is not a forked copy.
        let _ = shared.lock.map(|lock| (fstat(lock), std::process::id()));
        let restore = is_cleared && prctl(PR_GET_DUMPABLE, 0) == 1;
        if restore {
            prctl(PR_SET_DUMPABLE, 0);
        }
        let stacks = [&mut *self.stack, &mut *self.intermediate_stack];
        let (pid, pidfd) = clone(self.flags, &shared, stacks);
        if shared.lock.is_some() || maps.is_some() {
            check_proc();
        }
        let comm = shared.lock.map(|_| open_comm(pid));
        if let Some(maps) = &maps {
            write_maps(pid, maps, privileged);
            shared.released.store(1, Ordering::Release);
            futex::wake(&shared.released, 1).expect("wake");
        }
        while shared.tid.load(Ordering::Acquire) == 1 {
            let _ = futex::wait(&shared.tid, 1, None);
        }
        while shared.lock.is_some_and(|lock| child::fcntl_getlk(lock, 1) != Ok(false)) {
            std::thread::yield_now();
        }
        while comm.as_ref().is_some_and(is_unexecuted) {
            std::thread::yield_now();
        }
        drop(comm);
        if restore {
            prctl(PR_SET_DUMPABLE, 1);
        }
        let executed = waitid_pidfd(&pidfd, WaitFlags::NOHANG | WaitFlags::NOWAIT);
        assert!(executed.is_ok(), "the child has exited before its execve");
        poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], None).expect("wait");
        let status =
            waitid_pidfd(&pidfd, WaitFlags::ALL).expect("wait").expect("the child has exited");
        assert_eq!(status.code(), Some(0));
        drop(watch);
    }
}

impl Shared<'_> {
    /// Whether an intermediate process is needed, because the child is to be in a joined pid namespace.
    fn needs_intermediate(&self) -> bool {
        self.target.is_some_and(|(_, kinds)| kinds.contains(NamespaceFlags::PID))
    }
}

fn clone(kinds: CloneFlags, shared: &Shared<'_>, stacks: [&mut [u8]; 2]) -> (u32, OwnedFd) {
    let base = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::CLEAR_SIGHAND;
    let flags = base | CloneFlags::UNTRACED | kinds;
    let stacks = stacks.map(|stack| NonNull::from(&mut stack[0]));
    let old_mask = child::rt_sigprocmask(SignalSet::ALL).expect("block");
    let child = if shared.needs_intermediate() {
        // SAFETY: all signals are blocked. The stacks and `shared` live until the child has left the memory, which
        // `start_join` waits for. The child only makes raw system calls.
        unsafe { intermediate::clone_through_intermediate(flags, shared, stacks) }
    } else {
        let mut args = CloneArgs::new(flags);
        args.child_tid(&shared.tid).stack(stacks[0], STACK);
        let argument = (&raw const *shared).cast_mut().cast();
        // SAFETY: as above.
        unsafe { clone3_entry_pidfd(&args, child_main, argument) }.expect("clone3")
    };
    child::rt_sigprocmask(old_mask).expect("restore");
    child
}

/// Opens a pidfd of this thread, with the system calls by which `ns-process` watches the thread that releases the
/// child.
fn watch_thread() -> OwnedFd {
    let tid = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
    let mut address: *const AtomicU32 = ptr::null();
    prctl(PR_GET_TID_ADDRESS, (&raw mut address).expose_provenance());
    pidfd_open_thread(tid).expect("Linux 6.9")
}

/// Creates the lock file. Its number is above 3, so that the child closes a range below and a range above it.
fn lock_file() -> OwnedFd {
    let file = memfd_create(c"locks", MemfdFlags::CLOEXEC).expect("memfd_create");
    fcntl_dupfd_cloexec(file, 8).expect("dup")
}

/// Returns the core limits that a start sets and restores, if they differ.
fn core_limits() -> Option<[(u64, u64); 2]> {
    let own = child::getrlimit(RLIMIT_CORE).expect("prlimit");
    let (soft, hard) = own;
    (hard > 0 && soft != 1).then_some([(1, hard), own])
}

/// Opens the file that has the name of the child.
fn open_comm(pid: u32) -> OwnedFd {
    let path = format!("/proc/{pid}/comm");
    openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).expect("open")
}

/// Whether the child still has the name that execve replaces. It may still be in the memory of the caller.
fn is_unexecuted(comm: &OwnedFd) -> bool {
    let mut name = [0; 17];
    let length = pread(comm, &mut name, 0).expect("read");
    name[..length].strip_suffix(b"\n") == Some(UNEXECUTED.to_bytes())
}

fn prctl(option: u32, argument: usize) -> usize {
    // SAFETY: the options in this file expect a number, or the address of a valid pointer.
    unsafe { child::prctl(option, [argument, 0, 0, 0]) }.expect("prctl")
}

fn is_terminal(number: i32) -> bool {
    // SAFETY: nothing owns the descriptors 0 to 2, and they stay open.
    let stream = unsafe { BorrowedFd::borrow_raw(number) };
    stream.is_terminal()
}
