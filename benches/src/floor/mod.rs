//! The raw floor: the calls that a plan describes, made with `ns-sys` alone.
#![allow(unsafe_code, reason = "a child in shared memory, made by hand")]

mod child_steps;
mod files;
mod fork;
mod middle;

use std::ffi::{CStr, CString, c_char};
use std::io::IsTerminal;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use ns_sys::child::{self, SignalSet};
use ns_sys::{
    CloneArgs, CloneFlags, NamespaceFlags, WaitFlags, clone3_entry, futex, pidfd_open_thread,
    waitid_pidfd,
};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, fstat, memfd_create, openat};
use rustix::io::{fcntl_dupfd_cloexec, pread};
use rustix::thread::capabilities;

use crate::{TINY, TINY_ROOT};
use child_steps::enter;
use files::{expect_own_numbers, own_maps, write_maps};

pub use fork::ForkFloor;

const STACK: usize = 64 * 1024;
const PR_GET_DUMPABLE: u32 = 3;
const PR_SET_DUMPABLE: u32 = 4;
const PR_GET_TID_ADDRESS: u32 = 40;
const RLIMIT_CORE: u32 = 4;

/// What a child is called until it has executed something.
const UNEXECUTED: &CStr = c"0123456789abcde";

/// What parent and child share.
struct Shared<'a> {
    tid: AtomicU32,
    go: AtomicU32,
    waits: bool,
    session: bool,
    private: bool,
    /// What is entered first.
    target: Option<(BorrowedFd<'a>, NamespaceFlags)>,
    root: Option<(Root, CString)>,
    /// What proves that the child has left the memory, where the caller's flag is cleared.
    lock: Option<BorrowedFd<'a>>,
    /// The core limits before exec: one that keeps from dumping, and the caller's own.
    core: Option<[(u64, u64); 2]>,
    program: CString,
    argv: [*const c_char; 2],
    envp: Vec<*const c_char>,
}

/// How the folder of `tiny` becomes the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// By chroot(2).
    Chroot,
    /// By pivot_root(2), read-only.
    ReadOnlyPivot,
}

/// Starts `tiny` again and again, with a stack that is kept.
#[derive(Debug)]
pub struct Floor {
    stack: Box<[u8]>,
    flags: CloneFlags,
    environment: Vec<CString>,
    root: Option<Root>,
    target: Option<(OwnedFd, NamespaceFlags)>,
    /// Of a process between.
    other_stack: Box<[u8]>,
    /// The file of the record locks.
    locks: OwnedFd,
    /// Whether the caller's flag is cleared, and the memory proven to be left.
    is_guarded: bool,
}

impl Floor {
    /// With these new namespaces; a user namespace gets the caller's ids as 0.
    ///
    /// # Panics
    /// When a variable of the environment is not text.
    pub fn new(kinds: CloneFlags) -> Self {
        let environment =
            std::env::vars().map(|(key, value)| CString::new(format!("{key}={value}")));
        Self {
            stack: vec![0; STACK].into_boxed_slice(),
            flags: kinds,
            environment: environment.collect::<Result<_, _>>().expect("no NUL"),
            root: None,
            target: None,
            other_stack: vec![0; STACK].into_boxed_slice(),
            locks: locks(),
            is_guarded: true,
        }
    }

    /// With the caller's memory open to those who may trace the child.
    #[must_use]
    pub fn unguarded(mut self) -> Self {
        self.is_guarded = false;
        self
    }

    /// With the folder of `tiny` as root.
    #[must_use]
    pub fn with_root(mut self, root: Root) -> Self {
        self.root = Some(root);
        self
    }

    /// In these namespaces of a target.
    ///
    /// # Panics
    /// When the descriptor cannot be doubled.
    #[must_use]
    pub fn entering(mut self, target: impl AsFd, kinds: NamespaceFlags) -> Self {
        let target = target.as_fd().try_clone_to_owned().expect("a descriptor");
        self.target = Some((target, kinds));
        self
    }

    /// Starts `tiny`, waits until it is executed, and joins it.
    ///
    /// # Panics
    /// When any call fails.
    pub fn start_join(&mut self) {
        let program = if self.root.is_some() { "/tiny" } else { TINY };
        let program = CString::new(program).expect("no NUL");
        let privileged = !capabilities(None).expect("the caller's own").permitted.is_empty();
        let owns_more = privileged && self.flags.contains(CloneFlags::NEWUSER);
        let is_cleared = self.is_guarded && (owns_more || self.target.is_some());
        let maps = self.flags.contains(CloneFlags::NEWUSER).then(own_maps);
        let shared = Shared {
            tid: AtomicU32::new(1),
            go: AtomicU32::new(0),
            waits: maps.is_some(),
            session: !(0..=2).any(is_terminal),
            lock: is_cleared.then(|| self.locks.as_fd()),
            target: self.target.as_ref().map(|(target, kinds)| (target.as_fd(), *kinds)),
            private: self.flags.contains(CloneFlags::NEWNS),
            root: self.root.map(|root| (root, CString::new(TINY_ROOT).expect("no NUL"))),
            core: core(),
            argv: [program.as_ptr(), ptr::null()],
            envp: self.environment.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect(),
            program,
        };
        let watch = shared.waits.then(watch);
        // Its number may be another file's by now, and this process a forked copy.
        let _ = shared.lock.map(|lock| (fstat(lock), std::process::id()));
        let restore = is_cleared && prctl(PR_GET_DUMPABLE, 0) == 1;
        if restore {
            prctl(PR_SET_DUMPABLE, 0);
        }
        let (stack, other) = (&mut self.stack, &mut self.other_stack);
        let (pid, pidfd) = clone(self.flags, &shared, stack, other);
        if shared.lock.is_some() || maps.is_some() {
            expect_own_numbers();
        }
        let comm = shared.lock.map(|_| comm(pid));
        if let Some(maps) = &maps {
            write_maps(pid, maps, privileged);
            shared.go.store(1, Ordering::Release);
            futex::wake(&shared.go, 1).expect("wake");
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
        assert!(executed.is_ok(), "it was not executed");
        poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], None).expect("wait");
        let status = waitid_pidfd(&pidfd, WaitFlags::ALL).expect("wait").expect("it has ended");
        assert_eq!(status.code(), Some(0));
        drop(watch);
    }
}

impl Shared<'_> {
    /// Whether a process between enters, so that its child is in the pid namespace.
    fn has_middle(&self) -> bool {
        self.target.is_some_and(|(_, kinds)| kinds.contains(NamespaceFlags::PID))
    }
}

fn clone(
    kinds: CloneFlags,
    shared: &Shared<'_>,
    stack: &mut [u8],
    other: &mut [u8],
) -> (u32, OwnedFd) {
    let base = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::CLEAR_SIGHAND;
    let flags = base | CloneFlags::UNTRACED | kinds;
    let [stack, other] = [stack, other].map(|stack| NonNull::from(&mut stack[0]));
    let former = child::rt_sigprocmask(SignalSet::ALL).expect("block");
    let made = if shared.has_middle() {
        // SAFETY: signals are held back; stacks and words live until the child has left the memory,
        // which `start_join` waits for; the child makes bare calls only.
        unsafe { middle::clone_through(flags, shared, [stack, other]) }
    } else {
        let pidfd = AtomicI32::new(-1);
        let mut args = CloneArgs::new(flags);
        args.pidfd(&pidfd).child_tid(&shared.tid).stack(stack, STACK);
        let argument = (&raw const *shared).cast_mut().cast();
        // SAFETY: as above.
        let pid = unsafe { clone3_entry(&args, enter, argument) }.expect("clone3");
        // SAFETY: clone3 has just stored it.
        (pid, unsafe { OwnedFd::from_raw_fd(pidfd.into_inner()) })
    };
    child::rt_sigprocmask(former).expect("restore");
    made
}

/// As the engine watches the thread that says go.
fn watch() -> OwnedFd {
    let tid = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
    let mut word: *const AtomicU32 = ptr::null();
    prctl(PR_GET_TID_ADDRESS, (&raw mut word).expose_provenance());
    pidfd_open_thread(tid).expect("Linux 6.9")
}

/// Among the descriptors of a program, so that what is closed lies around it.
fn locks() -> OwnedFd {
    let file = memfd_create(c"locks", MemfdFlags::CLOEXEC).expect("a file");
    fcntl_dupfd_cloexec(file, 8).expect("a number")
}

/// Limits that a start sets and takes back, where they differ.
fn core() -> Option<[(u64, u64); 2]> {
    let own = child::getrlimit(RLIMIT_CORE).expect("the caller's own");
    let (soft, hard) = own;
    (hard > 0 && soft != 1).then_some([(1, hard), own])
}

/// The file by which the name of a child is seen.
fn comm(pid: u32) -> OwnedFd {
    let path = format!("/proc/{pid}/comm");
    openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).expect("open")
}

/// Whether it still has the name that exec replaces, and exec may still be taking the memory.
fn is_unexecuted(comm: &OwnedFd) -> bool {
    let mut name = [0; 17];
    let length = pread(comm, &mut name, 0).expect("read");
    name[..length].strip_suffix(b"\n") == Some(UNEXECUTED.to_bytes())
}

fn prctl(option: u32, argument: usize) -> usize {
    // SAFETY: the options of this file take a number, or the address of a pointer.
    unsafe { child::prctl(option, [argument, 0, 0, 0]) }.expect("prctl")
}

fn is_terminal(number: i32) -> bool {
    // SAFETY: 0 to 2 are nobody's own, and stay open.
    let stream = unsafe { BorrowedFd::borrow_raw(number) };
    stream.is_terminal()
}
