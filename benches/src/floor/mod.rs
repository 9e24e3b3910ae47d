//! The raw floor: the calls that a plan describes, made with `ns-sys` alone.
#![allow(unsafe_code, reason = "a child in shared memory, made by hand")]

mod child_steps;

use std::ffi::{CString, c_char};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use ns_sys::child::{self, SignalSet};
use ns_sys::{
    CloneArgs, CloneFlags, WaitFlags, clone3_entry, futex, pidfd_open_thread, waitid_pidfd,
};
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::{TINY, TINY_ROOT};
use child_steps::enter;

const STACK: usize = 64 * 1024;
const PR_GET_DUMPABLE: u32 = 3;
const PR_SET_DUMPABLE: u32 = 4;
const PR_GET_TID_ADDRESS: u32 = 40;
const RLIMIT_CORE: u32 = 4;

/// What parent and child share.
struct Shared {
    tid: AtomicU32,
    go: AtomicU32,
    waits: bool,
    private: bool,
    root: Option<(Root, CString)>,
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
    /// The maps of user and group, if a user namespace is new.
    maps: Option<[String; 2]>,
    environment: Vec<CString>,
    root: Option<Root>,
}

impl Floor {
    /// With these new namespaces; a user namespace gets the caller's ids as 0.
    ///
    /// # Panics
    /// When a variable of the environment is not text.
    pub fn new(kinds: CloneFlags) -> Self {
        let map = |id: u32| format!("0 {id} 1\n");
        let own = || [map(euid()), map(egid())];
        let environment =
            std::env::vars().map(|(key, value)| CString::new(format!("{key}={value}")));
        Self {
            stack: vec![0; STACK].into_boxed_slice(),
            flags: kinds,
            maps: kinds.contains(CloneFlags::NEWUSER).then(own),
            environment: environment.collect::<Result<_, _>>().expect("no NUL"),
            root: None,
        }
    }

    /// With the folder of `tiny` as root.
    #[must_use]
    pub fn with_root(mut self, root: Root) -> Self {
        self.root = Some(root);
        self
    }

    /// Starts `tiny`, waits until it is executed, and joins it.
    ///
    /// # Panics
    /// When any call fails.
    pub fn start_join(&mut self) {
        let program = if self.root.is_some() { "/tiny" } else { TINY };
        let program = CString::new(program).expect("no NUL");
        let shared = Shared {
            tid: AtomicU32::new(1),
            go: AtomicU32::new(0),
            waits: self.maps.is_some(),
            private: self.flags.contains(CloneFlags::NEWNS),
            root: self.root.map(|root| (root, CString::new(TINY_ROOT).expect("no NUL"))),
            core: core(),
            argv: [program.as_ptr(), ptr::null()],
            envp: self.environment.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect(),
            program,
        };
        let watch = shared.waits.then(watch);
        let privileged = euid() == 0;
        let restore = privileged && prctl(PR_GET_DUMPABLE, 0) == 1;
        if restore {
            prctl(PR_SET_DUMPABLE, 0);
        }
        let (pid, pidfd) = self.clone(&shared);
        if let Some(maps) = &self.maps {
            write_maps(pid, maps);
            shared.go.store(1, Ordering::Release);
            futex::wake(&shared.go, 1).expect("wake");
        }
        while shared.tid.load(Ordering::Acquire) == 1 {
            let _ = futex::wait(&shared.tid, 1, None);
        }
        if restore {
            prctl(PR_SET_DUMPABLE, 1);
        }
        let executed = waitid_pidfd(&pidfd, WaitFlags::CLONE | WaitFlags::NOWAIT);
        assert!(executed.is_err(), "it was not executed");
        let status = waitid_pidfd(&pidfd, WaitFlags::ALL).expect("wait").expect("it has ended");
        assert_eq!(status.code(), Some(0));
        drop(watch);
    }

    fn clone(&mut self, shared: &Shared) -> (u32, OwnedFd) {
        let pidfd = AtomicI32::new(-1);
        let base = CloneFlags::VM | CloneFlags::CHILD_CLEARTID | CloneFlags::CLEAR_SIGHAND;
        let mut args = CloneArgs::new(base | CloneFlags::UNTRACED | self.flags);
        args.pidfd(&pidfd).child_tid(&shared.tid);
        args.stack(NonNull::from(&mut self.stack[0]), STACK);
        let former = child::rt_sigprocmask(SignalSet::ALL).expect("block");
        let argument = (&raw const *shared).cast_mut().cast();
        // SAFETY: signals are held back; stack and words live until the child has left the memory,
        // which `start_join` waits for; the child makes bare calls only.
        let pid = unsafe { clone3_entry(&args, enter, argument) }.expect("clone3");
        child::rt_sigprocmask(former).expect("restore");
        // SAFETY: clone3 has just stored it.
        (pid, unsafe { OwnedFd::from_raw_fd(pidfd.into_inner()) })
    }
}

/// As the engine watches the thread that says go.
fn watch() -> OwnedFd {
    let tid = child::getpid();
    let mut word: *const AtomicU32 = ptr::null();
    prctl(PR_GET_TID_ADDRESS, (&raw mut word).expose_provenance());
    pidfd_open_thread(tid).expect("the measuring thread leads its process")
}

/// Limits that a start sets and takes back, where they differ.
fn core() -> Option<[(u64, u64); 2]> {
    let own = child::getrlimit(RLIMIT_CORE).expect("the caller's own");
    let (soft, hard) = own;
    (hard > 0 && soft != 1).then_some([(1, hard), own])
}

fn write_maps(pid: u32, [uid, gid]: &[String; 2]) {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, format!("/proc/{pid}"), flags, Mode::empty()).expect("open");
    let write = |file: &str, text: &str| {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let file = openat(&directory, file, flags, Mode::empty()).expect("open");
        rustix::io::write(file.as_fd(), text.as_bytes()).expect("write");
    };
    write("uid_map", uid);
    if euid() != 0 {
        write("setgroups", "deny");
    }
    write("gid_map", gid);
}

fn prctl(option: u32, argument: usize) -> usize {
    // SAFETY: the options of this file take a number, or the address of a pointer.
    unsafe { child::prctl(option, [argument, 0, 0, 0]) }.expect("prctl")
}

fn euid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn egid() -> u32 {
    rustix::process::getegid().as_raw()
}
