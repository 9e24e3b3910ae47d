//! Wait for a child with a time limit.
#![allow(unsafe_code, reason = "a timer signal, and ptrace")]
#![expect(clippy::zombie_processes, reason = "the tests reap by pidfd")]

use std::fs;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ns_sys::{
    Errno, Signal, WaitFlags, WaitStatus, pidfd_get_info, pidfd_open, pidfd_send_signal,
    waitid_pidfd, waitid_pidfd_timeout,
};

const NONE: WaitFlags = WaitFlags::empty();
const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(20);

fn spawn(program: &str, argument: &str) -> Child {
    Command::new(program).arg(argument).spawn().expect("spawn")
}

/// The limit expires while the child runs. A child that has exited is reaped at once, even with a limit of
/// zero or without an end.
#[test]
fn f03_the_limit_bounds_the_wait() {
    ns_testbed::run_as!([Root, User, Nested], {
        let child = spawn("sleep", "1000");
        let pidfd = pidfd_open(child.id()).expect("pidfd_open");
        assert_eq!(waitid_pidfd_timeout(&pidfd, NONE, Duration::ZERO), Ok(None));
        let start = Instant::now();
        assert_eq!(waitid_pidfd_timeout(&pidfd, NONE, SHORT), Ok(None));
        assert!((SHORT..LONG).contains(&start.elapsed()), "{:?}", start.elapsed());
        pidfd_send_signal(&pidfd, Signal::TERM).expect("signal");
        let peeked = waitid_pidfd_timeout(&pidfd, WaitFlags::NOWAIT, Duration::MAX).expect("peek");
        assert_eq!(peeked.and_then(WaitStatus::signal), Some(Signal::TERM));
        assert_eq!(waitid_pidfd_timeout(&pidfd, NONE, Duration::ZERO), Ok(peeked));
    });
}

/// Signal handlers that interrupt the wait neither end nor extend it.
#[test]
fn f03_interrupts_do_not_change_the_limit() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    extern "C" fn count(_: i32) {
        RUNS.fetch_add(1, Ordering::Relaxed);
    }
    ns_testbed::run_as!([Root, User], {
        // The forked child has one thread, which takes every signal.
        let code = ns_testbed::forked(|| {
            let child = spawn("sleep", "1000");
            let pidfd = pidfd_open(child.id()).expect("pidfd_open");
            let handler = count as extern "C" fn(i32) as usize;
            // SAFETY: the handler changes an atomic only.
            unsafe { libc::signal(libc::SIGALRM, handler) };
            let every = libc::timeval { tv_sec: 0, tv_usec: 5_000 };
            let timer = libc::itimerval { it_interval: every, it_value: every };
            let old = std::ptr::null_mut();
            // SAFETY: the timer outlives the call, and a null pointer requests no old value.
            let set = unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, old) };
            assert_eq!(set, 0);
            let (start, limit) = (Instant::now(), Duration::from_millis(200));
            assert_eq!(waitid_pidfd_timeout(&pidfd, NONE, limit), Ok(None));
            let elapsed = start.elapsed();
            assert!((limit..LONG).contains(&elapsed), "{elapsed:?}");
            assert!(RUNS.load(Ordering::Relaxed) > 1);
            pidfd_send_signal(&pidfd, Signal::KILL).expect("kill");
            waitid_pidfd(&pidfd, NONE).expect("reap");
            0
        });
        assert_eq!(code, 0);
    });
}

/// A process that is not a child, and one that another waiter has reaped, are an error, at once.
#[test]
fn f04_a_process_that_cannot_be_reaped_is_an_error() {
    ns_testbed::run_as!([Root, User], {
        let start = Instant::now();
        let own = pidfd_open(std::process::id()).expect("pidfd_open");
        assert_eq!(waitid_pidfd_timeout(&own, NONE, LONG), Err(Errno::CHILD));

        let mut reaped = spawn("true", "");
        let pidfd = pidfd_open(reaped.id()).expect("pidfd_open");
        reaped.wait().expect("reap");
        assert_eq!(waitid_pidfd_timeout(&pidfd, NONE, LONG), Err(Errno::CHILD));

        // Reaped by another thread during the wait.
        let mut other = spawn("sleep", "0.2");
        let pidfd = pidfd_open(other.id()).expect("pidfd_open");
        // SAFETY: SIG_IGN lets the kernel reap the child as soon as it exits.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        assert_eq!(waitid_pidfd_timeout(&pidfd, NONE, LONG), Err(Errno::CHILD));
        other.wait().expect_err("the kernel has reaped it");
        assert!(start.elapsed() < LONG);
        if let Ok(info) = pidfd_get_info(&pidfd) {
            assert_eq!(info.exit_status.and_then(WaitStatus::code), Some(0));
        }
    });
}

/// A zombie that its tracer does not release has a readable pidfd, but cannot be reaped. The wait keeps
/// its limit, does not use the CPU meanwhile, and reaps the zombie once the tracer has exited.
#[test]
fn c20_a_traced_zombie_is_waited_for_without_spinning() {
    ns_testbed::run_as!([Root], {
        let child = spawn("sleep", "1000");
        let pidfd = pidfd_open(child.id()).expect("pidfd_open");
        let pid = child.id().cast_signed();
        // SAFETY: libc's fork repairs libc's own state; the child sleeps until it is killed.
        let tracer = match unsafe { libc::fork() } {
            0 => loop {
                // SAFETY: PTRACE_SEIZE takes no memory.
                unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) };
                // SAFETY: sleeps.
                unsafe { libc::pause() };
            },
            tracer => tracer,
        };
        let status = || fs::read_to_string(format!("/proc/{pid}/status")).expect("read");
        eventually("it is traced", || status().contains(&format!("TracerPid:\t{tracer}")));
        pidfd_send_signal(&pidfd, Signal::KILL).expect("kill");
        eventually("it has exited", || status().contains("State:\tZ"));
        let (limit, before) = (Duration::from_millis(300), cpu_time());
        assert_eq!(waitid_pidfd_timeout(&pidfd, NONE, limit), Ok(None));
        let used = cpu_time().saturating_sub(before);
        assert!(used < limit / 3, "{used:?}");
        // SAFETY: kills the tracer, which is not reaped yet.
        unsafe { libc::kill(tracer, libc::SIGKILL) };
        let killed = waitid_pidfd_timeout(&pidfd, NONE, LONG).expect("wait");
        assert_eq!(killed.and_then(WaitStatus::signal), Some(Signal::KILL));
        // SAFETY: writes nothing.
        unsafe { libc::waitpid(tracer, std::ptr::null_mut(), 0) };
    });
}

/// Waits until `is_so`.
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The CPU time of this process.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.try_into().expect("nanoseconds"))
}
