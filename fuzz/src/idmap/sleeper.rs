//! A process in a new user namespace without maps.
#![allow(unsafe_code, reason = "a child in shared memory, which starts in 50 µs")]

use std::ffi::c_void;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;

use ns_sys::child::{SignalSet, rt_sigprocmask};
use ns_sys::{
    CloneArgs, CloneFlags, Errno, Signal, WaitFlags, clone3_entry_pidfd, futex, pidfd_send_signal,
    waitid_pidfd,
};

#[repr(C, align(16))]
struct Stack([u8; 16 * 1024]);

/// A child that sleeps until this value is dropped.
pub(super) struct Sleeper {
    dir: File,
    pidfd: OwnedFd,
    path: String,
    _stack: Box<Stack>,
}

/// The entry function of the child.
///
/// # Safety
/// `word` points to an `AtomicU32` that lives as long as the child.
unsafe extern "C" fn sleep(word: *mut c_void) -> ! {
    // SAFETY: the caller passes a static.
    let word = unsafe { &*word.cast::<AtomicU32>() };
    loop {
        let _ = futex::wait(word, 0, None);
    }
}

impl Sleeper {
    pub(super) fn new() -> Self {
        static NEVER: AtomicU32 = AtomicU32::new(0);
        let mut stack = Box::new(Stack([0; 16 * 1024]));
        let mut args = CloneArgs::new(CloneFlags::VM | CloneFlags::NEWUSER | CloneFlags::UNTRACED);
        args.stack(NonNull::from(&mut *stack).cast(), size_of::<Stack>());
        let mask = rt_sigprocmask(SignalSet::ALL).expect("block signals");
        let word = (&raw const NEVER).cast_mut().cast();
        // SAFETY: `sleep` only makes a raw futex call. The stack lives until `drop` has reaped the child; the word is
        // static.
        let (pid, pidfd) = unsafe { clone3_entry_pidfd(&args, sleep, word) }.expect("clone3");
        rt_sigprocmask(mask).expect("restore the signal mask");
        let path = format!("/proc/{pid}");
        let dir = File::open(&path).expect("open /proc/PID");
        Self { dir, pidfd, path, _stack: stack }
    }

    /// Writes the uid map without the crate, and returns the kernel's result.
    pub(super) fn write(&self, text: &[u8]) -> Result<(), Errno> {
        let file = fs::OpenOptions::new().write(true).open(format!("{}/uid_map", self.path));
        let written = file.and_then(|mut file| file.write(text));
        written.map(drop).map_err(|error| Errno::from_io_error(&error).expect("an errno"))
    }

    /// Reads the rows of the uid map without the crate.
    pub(super) fn rows(&self) -> Vec<[u32; 3]> {
        let text = fs::read_to_string(format!("{}/uid_map", self.path)).expect("read");
        let number = |word: &str| word.parse::<u32>().expect("a number");
        let row = |line: &str| line.split_whitespace().map(number).collect::<Vec<_>>();
        text.lines().map(|line| row(line).try_into().expect("three numbers")).collect()
    }
}

impl Sleeper {
    /// Kills the child and returns its open /proc directory.
    pub(super) fn kill(self) -> File {
        self.dir.try_clone().expect("dup")
    }
}

impl AsFd for Sleeper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        pidfd_send_signal(&self.pidfd, Signal::KILL).expect("kill");
        // The child has no exit signal, so only a wait with __WALL reaps it.
        waitid_pidfd(&self.pidfd, WaitFlags::ALL).expect("reap");
    }
}
