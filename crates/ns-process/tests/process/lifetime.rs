//! Timeouts of a start, dropped handles, cgroups, and children of another parent.
#![allow(unsafe_code, reason = "a signal handler, and fork of a child that is reaped here")]

use std::fs;
use std::time::{Duration, Instant};

use crate::common::cgroup::OwnCgroup;
use crate::common::target::sleep;
use crate::common::{assert_unchanged, eventually, in_child, prints, reap_all, shell};
use ns_process::{CloneFlags, Container, Errno, Namespace, Signal, Step};
use ns_sys::pidfd_send_signal;
use ns_testbed::Leftovers;

/// A child that is stopped before exec is killed and reaped at the timeout.
#[test]
fn f32_a_child_stopped_before_exec_ends_at_the_timeout() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = Leftovers::snapshot();
        let mut container = Container::new("true");
        container.namespaces([Namespace::User]).map_zero();
        container.start_timeout(Duration::from_millis(300));
        container.before_go(|child| pidfd_send_signal(child, Signal::STOP));
        let begin = Instant::now();
        let error = container.start().expect_err("it is stopped");
        assert_eq!((error.step(), error.errno()), (Step::StartTimeout, Some(Errno::TIMEDOUT)));
        assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
        assert_unchanged(&before);
    });
}

/// Although the child is made without an exit signal, the executed program is found by waitid(2) without `__WALL`, and
/// its exit raises SIGCHLD.
#[test]
fn b03_a_plain_wait_finds_the_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        use std::sync::atomic::{AtomicU32, Ordering};
        static SIGNALS: AtomicU32 = AtomicU32::new(0);
        extern "C" fn count(_: i32) {
            SIGNALS.fetch_add(1, Ordering::Relaxed);
        }
        let handler: extern "C" fn(i32) = count;
        // SAFETY: the handler counts.
        unsafe { libc::signal(libc::SIGCHLD, handler as libc::sighandler_t) };
        for kinds in [&[][..], &[Namespace::User, Namespace::Pid]] {
            let mut container = shell("exit 7");
            container.namespaces(kinds.iter().copied());
            let before = SIGNALS.load(Ordering::Relaxed);
            let process = container.start().expect("start");
            let options = rustix::process::WaitIdOptions::EXITED;
            let child = rustix::process::WaitId::PidFd(process.pidfd());
            let status =
                rustix::io::retry_on_intr(|| rustix::process::waitid(child.clone(), options));
            assert_eq!(status.expect("a child").and_then(|status| status.exit_status()), Some(7));
            eventually("SIGCHLD", || SIGNALS.load(Ordering::Relaxed) == before + 1);
        }
        Container::new("/nope").start().expect_err("no such file");
        assert_eq!(SIGNALS.load(Ordering::Relaxed), 2, "a failed start raises no signal");
    });
}

/// The timeout of the start does not apply to the program.
#[test]
fn start_timeout_does_not_apply_to_the_program() {
    ns_testbed::run_as!([User], {
        let mut container = shell("sleep 0.3; exit 5");
        container.start_timeout(Duration::from_millis(200));
        let process = loop {
            match container.start() {
                // On a busy machine a start may take longer.
                Err(error) if error.step() == Step::StartTimeout => {}
                started => break started.expect("start"),
            }
        };
        assert_eq!(process.join().expect("join").code(), Some(5));
        assert_eq!(container.get_start_timeout(), Some(Duration::from_millis(200)));
    });
}

/// With `kill_on_drop` the process is killed when the handle is dropped; else it keeps running.
#[test]
fn f18_drop_kills_on_request_only() {
    ns_testbed::run_as!([Root, User], {
        let exists = |pid: u32| fs::metadata(format!("/proc/{pid}")).is_ok();
        let mut container = sleep();
        container.kill_on_drop(true);
        let process = container.start().expect("start");
        let pid = process.pid();
        drop(process);
        eventually("killed and reaped", || {
            ns_process::reap();
            !exists(pid)
        });
        container.kill_on_drop(false);
        let process = container.start().expect("start");
        let (pid, pidfd) = (process.pid(), process.pidfd().try_clone_to_owned().expect("clone"));
        drop(process);
        std::thread::sleep(Duration::from_millis(50));
        assert!(exists(pid));
        pidfd_send_signal(&pidfd, Signal::KILL).expect("kill");
        reap_all();
    });
}

/// The process begins in its cgroup, which is the root of a new cgroup namespace.
#[test]
fn the_process_begins_in_its_cgroup() {
    ns_testbed::run_as!([Root], {
        let Some(group) = OwnCgroup::new() else {
            ns_testbed::skip!("no cgroup2 file system that may be written");
        };
        let directory = || fs::File::open(&group.0).expect("open");
        let own = |text: &str| text.lines().find(|line| line.starts_with("0::")).map(str::to_owned);
        let seen = prints(
            |container| {
                container.cgroup(directory());
            },
            "cat /proc/self/cgroup",
        );
        let name = group.0.rsplit('/').next().expect("a name");
        assert!(own(&seen).is_some_and(|line| line.ends_with(name)), "{seen}");
        let seen = prints(
            |container| {
                container.cgroup(directory()).namespace(Namespace::Cgroup);
            },
            "cat /proc/self/cgroup",
        );
        assert_eq!(own(&seen).as_deref(), Some("0::/"), "{seen}");
        let mut container = Container::new("true");
        container.cgroup(fs::File::open("/tmp").expect("open"));
        let error = container.start().expect_err("no cgroup");
        assert_eq!((error.step(), error.errno()), (Step::Clone, Some(Errno::BADF)));
    });
}

/// With CLONE_PARENT the child is a sibling of the caller. Its status is reported, reaped or not, and a failed exec is
/// an error.
#[test]
fn clone_parent_makes_a_sibling() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            let parent = std::os::unix::process::parent_id();
            let mut container = shell("test $PPID = \"$0\" && exit 7");
            container.arg(parent.to_string()).flags(CloneFlags::PARENT);
            let process = container.start().expect("start");
            assert_eq!(process.join().expect("join").code(), Some(7), "it is not reaped");
            assert!(!process.is_alive().expect("is_alive"));
            let mut conflicting = Container::new("true");
            let error =
                conflicting.flags(CloneFlags::PARENT).die_with_parent().start().expect_err("both");
            assert_eq!(error.step(), Step::Check, "{error}");
            let mut unknown = Container::new("/nope");
            let error = unknown.flags(CloneFlags::PARENT).start().expect_err("no such file");
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
        });
        while rustix::process::wait(rustix::process::WaitOptions::empty()).is_ok() {}
        let code = forked_while_reaping(|| {
            let process = shell("exit 7").flags(CloneFlags::PARENT).start().expect("start");
            i32::from(process.join().expect("join").code() != Some(7))
        });
        assert_eq!(code, 0);
    });
}

/// As [`forked`](ns_testbed::forked), by a parent that reaps every child meanwhile.
fn forked_while_reaping(body: impl FnOnce() -> i32) -> i32 {
    // SAFETY: libc's fork repairs libc's own state; the child ends in _exit.
    let pid = match unsafe { libc::fork() } {
        // SAFETY: exits from the child.
        0 => unsafe { libc::_exit(body()) },
        pid => pid,
    };
    let mut code = None;
    while let Ok(Some((ended, status))) =
        rustix::process::wait(rustix::process::WaitOptions::empty())
    {
        if ended.as_raw_nonzero().get() == pid {
            code = status.exit_status();
        }
    }
    code.expect("the child exited")
}
