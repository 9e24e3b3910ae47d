//! Processes for tests: the target of a map, and children that act as somebody else.
#![allow(unsafe_code, reason = "fork and clone, which no safe library offers")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ns_testbed::{USER, refuse};
use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Gid, Pid, Signal, Uid, WaitOptions, kill_process, set_dumpable_behavior,
    wait, waitpid,
};
use rustix::thread::{self, UnshareFlags};

/// A process that sleeps in a new user namespace without maps.
#[derive(Debug)]
pub(crate) struct Target {
    pid: Pid,
    dir: File,
}

impl Target {
    pub(crate) fn new() -> Self {
        let flags = libc::CLONE_NEWUSER | libc::SIGCHLD;
        // SAFETY: without CLONE_VM this is fork; the child makes system calls and nothing else.
        let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
        if pid == 0 {
            sleep_for_ever();
        }
        let pid = Pid::from_raw(pid.try_into().expect("a pid")).expect("clone");
        let dir = File::open(format!("/proc/{}", pid.as_raw_nonzero())).expect("open /proc/PID");
        Self { pid, dir }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().try_into().expect("positive")
    }

    /// What a file shows, read without the crate.
    pub(crate) fn shown(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).expect("read")
    }

    /// The rows of a map, read without the crate.
    pub(crate) fn rows(&self, file: &str) -> Vec<[u32; 3]> {
        let number = |word: &str| word.parse::<u32>().expect("a number");
        let row = |line: &str| line.split_whitespace().map(number).collect::<Vec<_>>();
        self.shown(file).lines().map(|line| row(line).try_into().expect("three")).collect()
    }

    /// Writes a file without the crate: the kernel's own verdict.
    pub(crate) fn write(&self, file: &str, text: &[u8]) -> Result<(), i32> {
        let opened = fs::OpenOptions::new().write(true).open(self.path(file));
        let written = opened.and_then(|mut file| file.write(text));
        written.map(|_| ()).map_err(|error| error.raw_os_error().expect("an errno"))
    }

    fn path(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.pid())
    }
}

impl AsFd for Target {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        kill_process(self.pid, Signal::KILL).expect("kill");
        waitpid(Some(self.pid), WaitOptions::empty()).expect("reap");
    }
}

fn sleep_for_ever() -> ! {
    loop {
        // SAFETY: takes no argument; returns only after a signal handler.
        unsafe { libc::pause() };
    }
}

/// Runs `body` in a forked child.
pub(crate) fn in_child(body: impl FnOnce()) {
    run(body, |_| {});
}

/// Runs `body` as uid and gid [`USER`], without groups and capabilities.
pub(crate) fn as_user(body: impl FnOnce()) {
    in_child(|| {
        become_user();
        // The id change cleared it.
        set_dumpable_behavior(DumpableBehavior::Dumpable).expect("dumpable");
        body();
    });
}

/// Changes the ids, which leaves the process not dumpable.
pub(crate) fn become_user() {
    thread::set_thread_groups(&[]).expect("setgroups");
    let (gid, uid) = (Gid::from_raw(USER), Uid::from_raw(USER));
    thread::set_thread_res_gid(gid, gid, gid).expect("setresgid");
    thread::set_thread_res_uid(uid, uid, uid).expect("setresuid");
}

/// Runs `body` as root of a new user namespace with these maps.
pub(crate) fn in_namespace(uid_map: &str, gid_map: &str, body: impl FnOnce()) {
    in_namespace_seen(uid_map, gid_map, body, || ());
}

/// As [`in_namespace`]; meanwhile `seen` runs outside.
pub(crate) fn in_namespace_seen(
    uid_map: &str,
    gid_map: &str,
    body: impl FnOnce(),
    seen: impl FnOnce(),
) {
    let (mut ready, tell_ready) = pair();
    let (mut go, tell_go) = pair();
    let maps = |pid: Pid| {
        ready.read_exact(&mut [0]).expect("the child is ready");
        fs::write(format!("/proc/{}/uid_map", pid.as_raw_nonzero()), uid_map).expect("uid_map");
        fs::write(format!("/proc/{}/gid_map", pid.as_raw_nonzero()), gid_map).expect("gid_map");
        (&tell_go).write_all(b"!").expect("go");
        seen();
    };
    let child = || {
        unshare_user();
        (&tell_ready).write_all(b"!").expect("ready");
        go.read_exact(&mut [0]).expect("the maps are there");
        become_root();
        body();
    };
    run(child, maps);
}

/// Two connected ends; who waits for one that has died fails instead of hanging.
pub(crate) fn pair() -> (UnixStream, UnixStream) {
    let (reader, writer) = UnixStream::pair().expect("a pair");
    reader.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
    (reader, writer)
}

fn become_root() {
    let (gid, uid) = (Gid::ROOT, Uid::ROOT);
    thread::set_thread_res_gid(gid, gid, gid).expect("setresgid");
    thread::set_thread_res_uid(uid, uid, uid).expect("setresuid");
    set_dumpable_behavior(DumpableBehavior::Dumpable).expect("dumpable");
}

/// Moves the calling process, which must have one thread, into a new user namespace.
pub(crate) fn unshare_user() {
    // SAFETY: no FILES is asked for, so descriptors stay what they are.
    unsafe { thread::unshare_unsafe(UnshareFlags::NEWUSER) }.expect("unshare");
}

fn run(child: impl FnOnce(), parent: impl FnOnce(Pid)) {
    // SAFETY: the C library repairs its locks in the child, which has only this thread and leaves
    // by _exit.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let passed = catch_unwind(AssertUnwindSafe(child)).is_ok();
        // SAFETY: always sound; the parent's buffers are not flushed twice.
        unsafe { libc::_exit(if passed { 0 } else { 101 }) };
    }
    let pid = Pid::from_raw(pid).expect("fork");
    parent(pid);
    let (_, status) = waitpid(Some(pid), WaitOptions::empty()).expect("wait").expect("ended");
    assert_eq!(status.exit_status(), Some(0), "the child failed; see above");
}

/// Changes `PATH` of the calling process, which must have one thread.
pub(crate) fn set_path(folder: &Path) {
    // SAFETY: no other thread reads the environment.
    unsafe { std::env::set_var("PATH", folder) };
}

/// Runs `body` where pidfd_open(2) fails, and once more where poll(2) does too.
pub(crate) fn without_pidfd_open(body: impl Fn()) {
    for calls in [&[libc::SYS_pidfd_open][..], &[libc::SYS_pidfd_open, libc::SYS_ppoll]] {
        in_child(|| {
            for call in calls {
                refuse(*call, Errno::NOSYS);
            }
            body();
        });
    }
}

/// A way to lose the exit status of a child.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Loss {
    /// `SIGCHLD` is ignored.
    Ignored,
    /// `SA_NOCLDWAIT` is set, and `SIGCHLD` has its default action.
    NoWait,
    /// Another thread waits for all children; whether it is the first to reap one is open.
    Reaper,
}

impl Loss {
    pub(crate) const ALL: [Self; 3] = [Self::Ignored, Self::NoWait, Self::Reaper];

    /// Runs `body`; returns how many children another thread reaped meanwhile.
    pub(crate) fn during<T>(self, body: impl FnOnce() -> T) -> (T, usize) {
        let (handler, flags) = match self {
            Self::Ignored => (libc::SIG_IGN, 0),
            Self::NoWait => (libc::SIG_DFL, libc::SA_NOCLDWAIT),
            Self::Reaper => return with_reaper(body),
        };
        set_child_action(handler, flags);
        let done = body();
        set_child_action(libc::SIG_DFL, 0);
        (done, 0)
    }
}

fn set_child_action(handler: libc::sighandler_t, flags: libc::c_int) {
    // SAFETY: zeroed is a valid sigaction: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    (action.sa_sigaction, action.sa_flags) = (handler, flags);
    // SAFETY: `action` is initialised, and there is no handler to be called.
    unsafe { libc::sigaction(libc::SIGCHLD, &raw const action, std::ptr::null_mut()) };
}

fn with_reaper<T>(body: impl FnOnce() -> T) -> (T, usize) {
    let over = AtomicBool::new(false);
    let reap = || {
        let mut reaped = 0;
        while !over.load(Ordering::Relaxed) {
            reaped += usize::from(matches!(wait(WaitOptions::NOHANG), Ok(Some(_))));
        }
        reaped
    };
    std::thread::scope(|scope| {
        let reaper = scope.spawn(reap);
        let done = catch_unwind(AssertUnwindSafe(body));
        over.store(true, Ordering::Relaxed);
        let reaped = reaper.join().expect("the reaper");
        (done.unwrap_or_else(|panic| resume_unwind(panic)), reaped)
    })
}

/// Runs `body` under a hail of signals, whose handler restarts no system call.
pub(crate) fn with_alarms(body: impl FnOnce()) {
    extern "C" fn ignore(_signal: libc::c_int) {}
    let handler: extern "C" fn(libc::c_int) = ignore;
    // SAFETY: zeroed is a valid sigaction: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as usize;
    // SAFETY: `action` is initialised, and the handler does nothing.
    unsafe { libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()) };
    every_millisecond(1000);
    body();
    every_millisecond(0);
}

fn every_millisecond(microseconds: libc::suseconds_t) {
    let interval = libc::timeval { tv_sec: 0, tv_usec: microseconds };
    let timer = libc::itimerval { it_interval: interval, it_value: interval };
    // SAFETY: `timer` is initialised.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
}
