//! Processes for tests: the process whose map is written, and children with other IDs.
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
    is_reaped: bool,
}

impl Target {
    pub(crate) fn new() -> Self {
        Self::in_proc("/proc")
    }

    /// With its directory opened in this mount of proc.
    pub(crate) fn in_proc(proc: impl AsRef<Path>) -> Self {
        let flags = libc::CLONE_NEWUSER | libc::SIGCHLD;
        // SAFETY: without CLONE_VM this is fork(2); the child only calls pause(2).
        let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
        if pid == 0 {
            pause_for_ever();
        }
        let pid = Pid::from_raw(pid.try_into().expect("a pid")).expect("clone");
        let dir = proc.as_ref().join(pid.as_raw_nonzero().to_string());
        let dir = File::open(dir).expect("open /proc/PID");
        Self { pid, dir, is_reaped: false }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().try_into().expect("positive")
    }

    /// Records that the process was killed and reaped by other means than the drop.
    pub(crate) fn set_reaped(&mut self) {
        self.is_reaped = true;
    }

    /// The content of a file, read without the crate.
    pub(crate) fn shown(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).expect("read")
    }

    /// The rows of a map, read without the crate.
    pub(crate) fn rows(&self, file: &str) -> Vec<[u32; 3]> {
        let number = |word: &str| word.parse::<u32>().expect("a number");
        let row = |line: &str| line.split_whitespace().map(number).collect::<Vec<_>>();
        self.shown(file).lines().map(|line| row(line).try_into().expect("three numbers")).collect()
    }

    /// Writes a file without the crate. Returns the errno of the kernel.
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
        if !self.is_reaped {
            kill_process(self.pid, Signal::KILL).expect("kill");
            waitpid(Some(self.pid), WaitOptions::empty()).expect("reap");
        }
    }
}

fn pause_for_ever() -> ! {
    loop {
        // SAFETY: pause(2) takes no arguments.
        unsafe { libc::pause() };
    }
}

/// Runs `body` in a forked child.
pub(crate) fn in_child(body: impl FnOnce()) {
    run(body, |_| {});
}

/// Runs `body` in a forked child with user and group ID [`USER`], without groups and capabilities.
pub(crate) fn as_user(body: impl FnOnce()) {
    in_child(|| {
        become_user();
        // The change of IDs cleared the attribute.
        set_dumpable_behavior(DumpableBehavior::Dumpable).expect("prctl");
        body();
    });
}

/// Changes the IDs to [`USER`], which makes the process not dumpable.
pub(crate) fn become_user() {
    thread::set_thread_groups(&[]).expect("setgroups");
    let (gid, uid) = (Gid::from_raw(USER), Uid::from_raw(USER));
    thread::set_thread_res_gid(gid, gid, gid).expect("setresgid");
    thread::set_thread_res_uid(uid, uid, uid).expect("setresuid");
}

/// Runs `body` in a forked child, as root of a new user namespace with these maps.
pub(crate) fn in_namespace(uid_map: &str, gid_map: &str, body: impl FnOnce()) {
    in_namespace_and_outside(uid_map, gid_map, body, || ());
}

/// As [`in_namespace`]. Meanwhile `outside` runs in the calling process.
pub(crate) fn in_namespace_and_outside(
    uid_map: &str,
    gid_map: &str,
    body: impl FnOnce(),
    outside: impl FnOnce(),
) {
    let (mut unshared, unshared_sender) = socket_pair();
    let (mut mapped, mapped_sender) = socket_pair();
    let parent = |pid: Pid| {
        unshared.read_exact(&mut [0]).expect("wait for unshare");
        fs::write(format!("/proc/{}/uid_map", pid.as_raw_nonzero()), uid_map).expect("uid_map");
        fs::write(format!("/proc/{}/gid_map", pid.as_raw_nonzero()), gid_map).expect("gid_map");
        (&mapped_sender).write_all(b"!").expect("send");
        outside();
    };
    let child = || {
        unshare_user();
        (&unshared_sender).write_all(b"!").expect("send");
        mapped.read_exact(&mut [0]).expect("wait for the maps");
        become_root();
        body();
    };
    run(child, parent);
}

/// A connected receiver and sender. A read times out, so that a test fails if the sender has exited.
pub(crate) fn socket_pair() -> (UnixStream, UnixStream) {
    let (receiver, sender) = UnixStream::pair().expect("socketpair");
    receiver.set_read_timeout(Some(Duration::from_secs(20))).expect("setsockopt");
    (receiver, sender)
}

fn become_root() {
    let (gid, uid) = (Gid::ROOT, Uid::ROOT);
    thread::set_thread_res_gid(gid, gid, gid).expect("setresgid");
    thread::set_thread_res_uid(uid, uid, uid).expect("setresuid");
    set_dumpable_behavior(DumpableBehavior::Dumpable).expect("prctl");
}

/// Moves the calling process into a new user namespace. The process must have one thread.
pub(crate) fn unshare_user() {
    // SAFETY: without CLONE_FILES, the descriptor table stays the same.
    unsafe { thread::unshare_unsafe(UnshareFlags::NEWUSER) }.expect("unshare");
}

/// Makes a new PID namespace for the children of the calling process.
pub(crate) fn unshare_pids() {
    // SAFETY: without CLONE_FILES, the descriptor table stays the same.
    unsafe { thread::unshare_unsafe(UnshareFlags::NEWPID) }.expect("unshare");
}

/// Runs `child` in a forked child and `parent` in the caller, then waits for the child.
fn run(child: impl FnOnce(), parent: impl FnOnce(Pid)) {
    // SAFETY: libc resets its locks in the child, which has only this thread and leaves with _exit.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let passed = catch_unwind(AssertUnwindSafe(child)).is_ok();
        // SAFETY: _exit(2) has no precondition.
        unsafe { libc::_exit(if passed { 0 } else { 101 }) };
    }
    let pid = Pid::from_raw(pid).expect("fork");
    parent(pid);
    let (_, status) = waitpid(Some(pid), WaitOptions::empty()).expect("wait").expect("a status");
    assert_eq!(status.exit_status(), Some(0), "the child failed; see above");
}

/// Changes `PATH` of the calling process. The process must have one thread.
pub(crate) fn set_path(dir: &Path) {
    // SAFETY: the caller makes sure that no other thread reads the environment.
    unsafe { std::env::set_var("PATH", dir) };
}

/// Runs `body` twice: while pidfd_open(2) fails, and while ppoll(2) fails too.
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
pub(crate) enum StatusLoss {
    /// `SIGCHLD` is ignored.
    Ignored,
    /// `SA_NOCLDWAIT` is set, and `SIGCHLD` has its default action.
    NoWait,
    /// Another thread waits for all children. It may or may not reap a child first.
    Reaper,
}

impl StatusLoss {
    pub(crate) const ALL: [Self; 3] = [Self::Ignored, Self::NoWait, Self::Reaper];

    /// Runs `body`. Also returns how many children another thread reaped meanwhile.
    pub(crate) fn during<T>(self, body: impl FnOnce() -> T) -> (T, usize) {
        let (handler, flags) = match self {
            Self::Ignored => (libc::SIG_IGN, 0),
            Self::NoWait => (libc::SIG_DFL, libc::SA_NOCLDWAIT),
            Self::Reaper => return with_reaper(body),
        };
        set_child_action(handler, flags);
        let result = body();
        set_child_action(libc::SIG_DFL, 0);
        (result, 0)
    }
}

fn set_child_action(handler: libc::sighandler_t, flags: libc::c_int) {
    // SAFETY: zeroed is a valid sigaction: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    (action.sa_sigaction, action.sa_flags) = (handler, flags);
    // SAFETY: `action` is initialized and has no handler function.
    unsafe { libc::sigaction(libc::SIGCHLD, &raw const action, std::ptr::null_mut()) };
}

fn with_reaper<T>(body: impl FnOnce() -> T) -> (T, usize) {
    let finished = AtomicBool::new(false);
    let reap = || {
        let mut reaped = 0;
        while !finished.load(Ordering::Relaxed) {
            reaped += usize::from(matches!(wait(WaitOptions::NOHANG), Ok(Some(_))));
        }
        reaped
    };
    std::thread::scope(|scope| {
        let reaper = scope.spawn(reap);
        let result = catch_unwind(AssertUnwindSafe(body));
        finished.store(true, Ordering::Relaxed);
        let reaped = reaper.join().expect("join the reaper");
        (result.unwrap_or_else(|panic| resume_unwind(panic)), reaped)
    })
}

/// Runs `body` while a signal arrives every millisecond, without `SA_RESTART`.
pub(crate) fn with_alarms(body: impl FnOnce()) {
    extern "C" fn ignore(_signal: libc::c_int) {}
    let handler: extern "C" fn(libc::c_int) = ignore;
    // SAFETY: zeroed is a valid sigaction: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as usize;
    // SAFETY: `action` is initialized, and the handler does nothing.
    unsafe { libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()) };
    set_timer(1000);
    body();
    set_timer(0);
}

/// Sends `SIGALRM` at this interval; 0 stops the timer.
fn set_timer(microseconds: libc::suseconds_t) {
    let interval = libc::timeval { tv_sec: 0, tv_usec: microseconds };
    let timer = libc::itimerval { it_interval: interval, it_value: interval };
    // SAFETY: `timer` is initialized.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
}
